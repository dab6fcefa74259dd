import { backboneShapes } from '../../backbone/registry.js'
import type { Precision } from '../../base/choices.js'
import type { Tensors } from '../../method/method.js'
import type { Captured } from '../capture/capture.js'
import { constantVariables, decodedVariables, STATE } from '../capture/variables.js'
import type { Library } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import type { Blueprint } from '../model/model.js'
import { decodingGraph } from './decoding_graph.js'
import { attribute, ints, type Node, node, variableNodes, writeGraph } from './node.js'
import { rankingGraph } from './ranking_graph.js'

export interface DecodingVariables {
  /** In front of the names of the variables that belong to one run among several. */
  owner?: string
  /** What matrices are kept and multiplied in; float32 by default. */
  precision?: Precision
}

/**
 * Captures greedy decoding of a model for a session that has its variables, for every batch, length and `max_length`.
 */
export const captureDecoding = (library: Library, blueprint: Blueprint, variables: DecodingVariables = {}): Captured =>
  captured(library, blueprint, variables, decodingGraph)

/** Captures ranking; see `rankingGraph`. */
export const captureRanking = (library: Library, blueprint: Blueprint, variables: DecodingVariables = {}): Captured =>
  captured(library, blueprint, variables, rankingGraph)

function captured(
  library: Library,
  blueprint: Blueprint,
  { owner = '', precision = 'float32' }: DecodingVariables,
  graphOf: typeof decodingGraph,
): Captured {
  const { config, method, options, layout } = blueprint
  const ofRun = constantVariables(blueprint, owner)
  const ofBackbone = new Map(decodedVariables(blueprint, precision).map((variable) => [variable.tensor, variable]))
  const shapes = new Map([
    ...backboneShapes(config),
    ...ofRun.map(({ tensor, shape }) => [tensor, shape] as const),
    ...layout.specs.map(({ name, shape }) => [name, shape] as const),
  ])
  const shared = new Map([...ofBackbone.values(), ...ofRun].map(({ tensor, name }) => [tensor, name]))
  const typeOf = (name: string) => ofBackbone.get(name)?.type ?? 'float32'
  const trained = trainedNodes(blueprint)
  const variable = (name: string) => variableNodes(name, shapes.get(name)!, shared.get(name), typeOf(name))
  const hooks = (tensors: Tensors) => (method.weights === 'made' ? {} : method.hooks(options, config, tensors))
  const graph = graphOf(
    library,
    { config, shapes, hooks, precision, typeOf },
    {
      reading: (names) => [
        ...variableNodes(STATE.vector, [layout.size], owner + STATE.vector),
        ...names.flatMap((name) => trained.get(name) ?? variable(name)),
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
