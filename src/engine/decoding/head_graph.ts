import { lengthConstants } from '../../backbone/forward.js'
import { readsSegments } from '../../backbone/registry.js'
import type { Library } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import { identity, placed, readsOf, shapeOf, unpack } from './assembly.js'
import type { DecodingGraph } from './decoding_graph.js'
import { withFreeSizes } from './free_sizes.js'
import { positional } from './length_constants.js'
import { attribute, type Node, node } from './node.js'
import { headPiece, outputName, type Served } from './pieces.js'

/** The outputs of the graph. */
export const LOGITS = 'logits'
export const PROBABILITIES = 'probabilities'

/** The inputs of the graph, each int32 [batch, length]. */
export const headInputs = ({ config }: Pick<Served, 'config'>): string[] => [
  'input_ids',
  'attention_mask',
  ...(readsSegments(config) ? ['token_type_ids'] : []),
]

const [BATCH, LENGTH, SIZE] = ['size/batch', 'size/length', 'input_size']
const { float32: FLOAT, int32: INT } = TYPES

/**
 * Returns the graph of an encoder with its head, for any batch and length: `logits` [batch, rows of the head] and, of
 * several labels, their `probabilities`. `reading` returns nodes that give the value of each of these tensors as
 * `NAME/read`.
 */
export function headGraph(
  library: Library,
  served: Served,
  { reading, labels }: { reading(names: string[]): Node[]; labels: boolean },
): DecodingGraph {
  const { nodes, versions } = withFreeSizes({
    dimensions: [...served.shapes.values()].flat(),
    names: [BATCH!, LENGTH!],
    positional: lengthConstants(served.config).map(positional),
    capture: (sizes) => headPiece(library, served, sizes),
  })
  const inputs = headInputs(served)
  const outside = new Map([...inputs.map((name) => [name, name] as const), [BATCH, SIZE], [LENGTH, `${SIZE}:1`]])
  const variables = [...new Set(nodes.flatMap(readsOf))]
  const all = [
    ...reading(variables),
    ...inputs.map((name) =>
      node('Placeholder', name, [], { dtype: attribute.type(INT), shape: attribute.shape([-1, -1]) }),
    ),
    shapeOf('input_shape', inputs[0]!, INT),
    unpack(SIZE!, 'input_shape', 2),
    ...placed(nodes, 'encoder', (name) => outside.get(name)),
    identity(LOGITS, `encoder/${outputName('logits')}`, FLOAT),
    ...(labels ? [node('Softmax', PROBABILITIES, [LOGITS], { T: attribute.type(FLOAT) })] : []),
  ]
  return { nodes: all, versions, variables }
}
