import type { BackboneConfig } from '../backbone/registry.js'
import type { ForeignFile } from './foreign.js'
import type { NameTable, SharedOptions } from './names_elsewhere.js'

/** What a folder from elsewhere turned out to hold. */
export interface Found {
  /** Method options, to be checked as those of an experiment are. */
  method: Record<string, unknown>
  /** Where each of our tensors is in the files. */
  names(options: SharedOptions, config: BackboneConfig): NameTable
  /** Adapters' tensors. */
  own: ForeignFile
  /** The backbone's trained tensors; undefined where none were. */
  backbone: ForeignFile | undefined
  /** Tensors of `own` that are known to need no place. */
  ignored(name: string): boolean
}
