import type { BackboneConfig } from '../backbone/registry.js'
import type { ForeignFile } from './foreign.js'
import type { NameTable, SharedOptions } from './names_elsewhere.js'

/** The content of a folder from another program. */
export interface Found {
  /** Method options, which are checked like those of an experiment. */
  method: Record<string, unknown>
  /** Returns where each of our tensors is in the files. */
  names(options: SharedOptions, config: BackboneConfig): NameTable
  /** The adapters' tensors. */
  own: ForeignFile
  /** The backbone's trained tensors; undefined if none were trained. */
  backbone: ForeignFile | undefined
  /** What the files name as the model that was trained on, where they do: a hub id or a path on some machine. */
  trainedOn?: string | undefined
  /** What the files call the rows of an encoder's head, in their order, where they do. */
  labels?: string[]
  /** Whether a tensor of `own` is known to need no place in our method. */
  ignored(name: string): boolean
}
