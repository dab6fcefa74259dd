import { backboneIsHere, locateBackbone } from '../../backbone/files/locate.js'
import { storedShapes } from '../../backbone/files/stored_shapes.js'
import { readTokenizerFile } from '../../backbone/files/tokenizer_file.js'
import { tokenizerFileIn } from '../../backbone/files/vocabulary/tokenizer_files.js'
import { type BackboneConfig, familyOf, headTensors } from '../../backbone/registry.js'
import type { Experiment } from '../../experiment/schema.js'

/** What the Python of a README has to know of the backbone's own files. */
export interface OwnFiles {
  /** Whether they have a head of the same name and another size. */
  otherHead: boolean
  /**
   * The attribute of a tokenizer in Python that puts a blank in front of each word once it is told to; undefined where
   * the task has no words, or the tokenizer is not byte-level.
   */
  byteLevel: string | undefined
}

/** Returns that of an experiment's backbone; of a preset that is not here, what is known of its type. */
export async function ownFiles({ backbone, task }: Experiment, config: BackboneConfig): Promise<OwnFiles> {
  const inWords = task.kind === 'token_classification'
  if (!(await backboneIsHere(backbone.name)))
    return { otherHead: false, byteLevel: inWords ? byteLevelOfType(config) : undefined }
  const folder = await locateBackbone(backbone.name)
  return { otherHead: hasOtherHead(folder, config), byteLevel: inWords ? byteLevelIn(folder) : undefined }
}

function hasOtherHead(folder: string, config: BackboneConfig): boolean {
  const head = headTensors(config)
  const there = head.size > 0 ? storedShapes(folder) : undefined
  return [...head].some(([name, { shape }]) => there?.has(name) && there.get(name)!.join() !== shape.join())
}

const BYTE_LEVEL_TYPES: unknown[] = ['roberta', 'modernbert']

function byteLevelOfType(config: BackboneConfig): string | undefined {
  return BYTE_LEVEL_TYPES.includes(familyOf(config).toHuggingFace(config).model_type) ? 'pre_tokenizer' : undefined
}

function byteLevelIn(folder: string): string | undefined {
  const file = tokenizerFileIn(folder)
  if (file === undefined) return undefined
  const { preTokenizers, text } = readTokenizerFile(file)
  const place = preTokenizers.findIndex(({ type }) => type === 'ByteLevel')
  if (place < 0) return undefined
  return JSON.parse(text).pre_tokenizer.type === 'Sequence' ? `pre_tokenizer[${place}]` : 'pre_tokenizer'
}
