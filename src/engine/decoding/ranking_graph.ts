import { type Seq2SeqConfig, withDecoder } from '../../backbone/registry.js'
import type { Library } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import { placed, readsOf, shapeOf, unpack } from './assembly.js'
import {
  type DecodingGraph,
  type DecodingOptions,
  encoded,
  encoderNodes,
  freeEncoder,
  inStack,
  memorySize,
  SIZE,
  sourceNodes,
} from './decoding_graph.js'
import { withFreeSizes } from './free_sizes.js'
import { attribute, type Node, node } from './node.js'
import { candidatesPiece, gainsPiece, memoryNames, outputName, type Served } from './pieces.js'

/** The decoder's inputs [batch·count, tokens]. */
export const CANDIDATE_IDS = 'candidate_ids'
/** The rows of the decoder's output that tokens are predicted from [tokens]. */
export const POSITIONS = 'positions'
/** The tokens' numbers from 0, and their ids [tokens, 2]. */
export const PLACES = 'places'
/** The decoder's output [batch·count·tokens, d]. It can be fed too. */
export const HIDDEN = `candidates/${outputName('hidden')}`
/** The log-likelihoods of the tokens [tokens]. */
export const GAINS = `gains/${outputName('gains')}`

/** Returns what the decoder reads of the encoder, which can be fetched, and fed instead of being computed again. */
export const memoryOf = ({ decoderLayers }: Seq2SeqConfig): string[] => [
  encoded('mask'),
  ...Array.from({ length: decoderLayers }, (_, layer) => Object.values(memoryNames(layer)).map(encoded)).flat(),
]

/**
 * Returns the graph that ranks, for any batch, length, number and length of candidates: the log-likelihoods of tokens
 * of candidates, given sources.
 */
export function rankingGraph(library: Library, served: Served, { reading }: DecodingOptions): DecodingGraph {
  const [batch, length, count, tokens, rows] = ['batch', 'length', 'count', 'tokens', 'rows'].map((of) => `size/${of}`)
  const encoder = freeEncoder(library, served)
  const candidates = withFreeSizes({
    ...inStack(served, 'decoder', 'every'),
    names: [batch!, length!, count!, tokens!],
    capture: (sizes) => candidatesPiece(library, served, sizes),
  })
  const gains = withFreeSizes({
    ...inStack(served, 'decoder', 'every'),
    names: [rows!, tokens!],
    capture: (sizes) => gainsPiece(library, served, sizes),
  })
  const memory = new Set(memoryOf(withDecoder(served.config)))
  const ofCandidates = new Map([
    ['ids', CANDIDATE_IDS],
    [batch, SIZE],
    [length, 'memory_size:3'],
    [count, 'candidate_count'],
    [tokens, 'candidate_size:1'],
  ])
  const ofGains = new Map([
    ['hidden', HIDDEN],
    ['positions', POSITIONS],
    ['places', PLACES],
    [rows, 'hidden_size'],
    [tokens, 'place_size'],
  ])
  const variables = new Set([...encoder.nodes, ...candidates.nodes, ...gains.nodes].flatMap(readsOf))
  const nodes = [
    ...reading([...variables]),
    ...sourceNodes(),
    ...encoderNodes(encoder),
    ...memorySize(),
    ...candidateNodes(),
    ...placed(candidates.nodes, 'candidates', (name) =>
      memory.has(encoded(name)) ? encoded(name) : ofCandidates.get(name),
    ),
    ...placed(gains.nodes, 'gains', (name) => ofGains.get(name)),
  ]
  return { nodes, versions: encoder.versions, variables: [...variables] }
}

const int = { T: attribute.type(TYPES.int32) }
const input = (name: string, shape: number[]) =>
  node('Placeholder', name, [], { dtype: attribute.type(TYPES.int32), shape: attribute.shape(shape) })

const candidateNodes = (): Node[] => [
  input(CANDIDATE_IDS, [-1, -1]),
  input(POSITIONS, [-1]),
  input(PLACES, [-1, 2]),
  shapeOf('candidate_shape', CANDIDATE_IDS, TYPES.int32),
  unpack('candidate_size', 'candidate_shape', 2),
  node('FloorDiv', 'candidate_count', ['candidate_size', SIZE], int),
  shapeOf('hidden_shape', HIDDEN, TYPES.float32),
  unpack('hidden_size', 'hidden_shape', 2),
  shapeOf('place_shape', PLACES, TYPES.int32),
  unpack('place_size', 'place_shape', 2),
]
