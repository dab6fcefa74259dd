import { backboneShapes } from '../../backbone/registry.js'
import type { Precision } from '../../base/choices.js'
import type { Captured } from '../capture/capture.js'
import { constantVariables, frozenVariables, STATE } from '../capture/variables.js'
import type { Library } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import type { Blueprint } from '../model/model.js'
import { decodingGraph } from './decoding_graph.js'
import { attribute, ints, type Node, node, variableNodes, writeGraph } from './node.js'

/**
 * Whether a model can be decoded in a session of its training. A model whose weights are computed from the trained
 * vector can't: they would be computed for every batch. Nor can rounded weights: scores must be those of the weights
 * that the run is used with.
 */
export const decodesReplayed = ({ method }: Blueprint, precision: Precision): boolean =>
  method.weights !== 'made' && precision === 'float32'

/**
 * Captures greedy decoding of a model for a session that has its variables, for every batch, length and `max_length`;
 * `owner` is in front of the names of those that belong to one run among several.
 */
export function captureDecoding(library: Library, blueprint: Blueprint, owner = ''): Captured {
  const { config, method, options, layout } = blueprint
  const constants = constantVariables(blueprint, owner)
  const shapes = new Map([
    ...backboneShapes(config),
    ...constants.map(({ tensor, shape }) => [tensor, shape] as const),
    ...layout.specs.map(({ name, shape }) => [name, shape] as const),
  ])
  const shared = new Map(
    [...frozenVariables(blueprint, 'float32'), ...constants].map(({ tensor, name }) => [tensor, name]),
  )
  const trained = trainedNodes(blueprint)
  const graph = decodingGraph(
    library,
    { config, shapes, hooks: (tensors) => method.hooks(options, config, tensors) },
    {
      reading: (names) => [
        ...variableNodes(STATE.vector, [layout.size], owner + STATE.vector),
        ...names.flatMap((name) => trained.get(name) ?? variableNodes(name, shapes.get(name)!, shared.get(name))),
      ],
    },
  )
  return { definition: writeGraph(graph), dropoutPlaces: [], large: new Map(), made: new Map() }
}

/** Returns, for each trained tensor, the nodes that cut it out of the vector. */
function trainedNodes({ layout: { specs, sizes } }: Blueprint): Map<string, Node[]> {
  const float = { T: attribute.type(TYPES.float32) }
  let begin = 0
  return new Map(
    specs.map(({ name, shape }, i) => {
      const [from, count, dimensions, part] = ['from', 'count', 'shape', 'part'].map((each) => `${name}/${each}`)
      const nodes = [
        ints(from!, [begin]),
        ints(count!, [sizes[i]!]),
        ints(dimensions!, shape),
        node('Slice', part!, [`${STATE.vector}/read`, from!, count!], { ...float, Index: attribute.type(TYPES.int32) }),
        node('Reshape', `${name}/read`, [part!, dimensions!], { ...float, Tshape: attribute.type(TYPES.int32) }),
      ]
      begin += sizes[i]!
      return [name, nodes]
    }),
  )
}
