import type { Role } from '../../backbone/family.js'
import { backboneTensors } from '../../backbone/registry.js'
import type { Precision } from '../../base/choices.js'
import type { Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { variable } from '../graph/session.js'
import { type Dtype, TYPES } from '../graph/tensor.js'
import type { Blueprint } from '../model/model.js'

/** Variables that hold the trained vector and what the optimiser keeps. */
export const STATE = {
  vector: 'trained',
  first: 'moments/first',
  second: 'moments/second',
  factors: 'moments/factors',
} as const

/** A tensor that a graph reads from a variable of the session. */
export interface Variable {
  /** The shared name. */
  name: string
  /** The model's name of the tensor. */
  tensor: string
  shape: number[]
  type: Dtype
}

/**
 * Returns the backbone's tensors that are not trained, with matrices of that precision. Their names tell shape and type
 * too: runs of one backbone that share a session may have other vocabularies, and evaluations another precision.
 */
export function frozenVariables({ config, layout }: Blueprint, precision: Precision): Variable[] {
  const trained = new Set(layout.specs.map(({ name }) => name))
  return [...backboneTensors(config)]
    .filter(([tensor]) => !trained.has(tensor))
    .map(([tensor, { shape, role }]) => {
      const type = isMultiplied(role) ? precision : 'float32'
      return { name: `frozen/${type}/${shape.join('x')}/${tensor}`, tensor, shape, type }
    })
}

/**
 * Returns the variables of the backbone's tensors that decoding reads. Those of weights that a method makes are filled
 * for one trained vector at a time.
 */
export const decodedVariables = (blueprint: Blueprint, precision: Precision): Variable[] =>
  frozenVariables(blueprint, precision).map((variable) =>
    blueprint.method.weights === 'made' ? { ...variable, name: `made/${variable.name}` } : variable,
  )

/** Norms, biases and positions stay float32: they are small, and products do not read them. */
const isMultiplied = (role: Role) => role === 'product' || role === 'table' || role === 'head'

/**
 * Returns the method's tensors that keep their values from the seed; `owner` tells runs apart that share a session.
 */
export const constantVariables = ({ config, options, method }: Blueprint, owner = ''): Variable[] =>
  (method.constants?.(options, config) ?? []).map(({ name, shape }) => ({
    name: `${owner}constant/${name}`,
    tensor: name,
    shape,
    type: 'float32',
  }))

/** Reads the value of a variable in the graph. */
export function readVariable(graph: Graph, { name, shape, type }: Omit<Variable, 'tensor'>): Output {
  const handle = variable(graph, `${name}/handle`, name, TYPES[type], shape)
  return graph.output({
    type: 'ReadVariableOp',
    name: `${name}/read`,
    inputs: [handle],
    attributes: { dtype: { type: TYPES[type] } },
  })
}
