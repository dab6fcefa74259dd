import type { Precision } from '../../base/choices.js'
import type { InputName, InputValues, TargetValues } from '../../objective/objective.js'
import { type Batch, type BatchShape, mapInputs, shapeOf } from '../../task/tokens/batches.js'
import type { Made } from '../../tensor/made.js'
import type tf from '../../tensor/tf.cjs'
import { Graph } from '../graph/graph.js'
import type { Library, Output } from '../graph/library.js'
import { TYPES, typeOf, type Values } from '../graph/tensor.js'
import type { Blueprint, Model } from '../model/model.js'
import { digest } from './constants.js'
import { Inputs } from './inputs.js'
import { Recorder } from './recorder.js'
import { constantVariables, frozenVariables, readVariable, STATE, type Variable } from './variables.js'

/** A graph to be imported into sessions that have the variables it names. */
export interface Captured {
  /** A GraphDef. */
  definition: Uint8Array
  /** The dropout place of each row of the input `dropout_keys`, in order. */
  dropoutPlaces: string[]
  /** Values too large for the graph, by the variable that they go into. */
  large: Map<string, Values>
  /** Values that are made when a session does not have them yet, by the variable that they go into. */
  made: Map<string, Made>
}

/** What is available while a graph is captured. */
export interface Capture {
  graph: Graph
  recorder: Recorder
  /** The blueprint with recorded tensors instead of weights. */
  model: Model
  /** The trained vector [size]. */
  vector: tf.Tensor1D
  /** Adds an input of the graph; a tensor that is made of `array` becomes this input. */
  input(name: string, array: Float32Array | Int32Array, shape: number[]): Output
  /** Returns the row of `dropout_keys` for the key of that place. */
  dropoutKey(place: string): Int32Array
  /** Names a tensor as an output of the graph. */
  fetch(name: string, tensor: tf.Tensor): void
}

/**
 * Captures what `body` does with a model's tensors as a graph. Nothing is computed and no weight is read. `frozen` are
 * the variables of the backbone's tensors; `owner` is in front of the names of those that belong to one run among
 * several.
 * @throws Error naming an input that the graph declares and never reads
 */
export function capture(
  library: Library,
  blueprint: Blueprint,
  precision: Precision,
  body: (capture: Capture) => void,
  { frozen = frozenVariables(blueprint, precision), owner = '' }: { frozen?: Variable[]; owner?: string } = {},
): Captured {
  const graph = new Graph(library)
  const declared = new Inputs(graph)
  const inputs = new Map<ArrayLike<number>, Output>()
  const large = new Map<string, Values>()
  const made = new Map<string, Made>()
  const dropoutPlaces: string[] = []
  const kept = { large: keepLarge(graph, large), made: keepMade(graph, made) }
  const recorder = new Recorder(graph, { inputs, ...kept, precision })
  const input = (name: string, array: Float32Array | Int32Array, shape: number[]) => {
    const output = declared.placeholder(name, typeOf(array), shape)
    inputs.set(array, output)
    return output
  }
  try {
    recorder.record(() => {
      const tensors = (variables: Variable[]) =>
        new Map(variables.map((variable) => [variable.tensor, recorder.tensor(readVariable(graph, variable))]))
      const { size } = blueprint.layout
      const state: Omit<Variable, 'tensor'> = { name: owner + STATE.vector, shape: [size], type: 'float32' }
      const keys = lazily(() => declared.placeholder('dropout_keys', 'int32', [-1, 2]))
      body({
        graph,
        recorder,
        model: {
          ...blueprint,
          frozen: tensors(frozen),
          constants: tensors(constantVariables(blueprint, owner)),
        },
        vector: recorder.tensor(readVariable(graph, state)) as tf.Tensor1D,
        input,
        dropoutKey(place) {
          const key = new Int32Array(2)
          const row = rowOf(graph, keys(), dropoutPlaces.push(place) - 1)
          inputs.set(key, declared.declare(`dropout_keys (${place})`, row))
          return key
        },
        fetch: (name, tensor) => void identity(graph, name, recorder.output(tensor)),
      })
    })
    declared.checkRead()
    return { definition: graph.serialised(), dropoutPlaces, large, made }
  } finally {
    graph.free()
  }
}

/**
 * A batch whose arrays stand for the graph's inputs, which are named as the objective names them: all of them, or only
 * some.
 */
export function batchInput(
  { input }: Pick<Capture, 'input'>,
  { objective, size, lengths }: BatchShape,
  names: readonly InputName[] = Object.keys(objective.inputs) as InputName[],
): Batch {
  const values = (name: InputName): TargetValues => {
    const count = size * lengths[objective.inputs[name]!]
    return name === 'target' && objective.numbers ? new Float32Array(count) : new Int32Array(count)
  }
  const inputs = mapInputs(objective.inputs, (_, name) => values(name)) as InputValues & Record<string, TargetValues>
  const batch = { objective, rows: [], size, lengths, inputs }
  for (const name of names) input(name, inputs[name]!, shapeOf(batch, name))
  return batch
}

/** Returns a batch as values of the inputs that `batchInput` names, or only some of them. */
export const batchFeeds = (batch: Batch, names?: readonly InputName[]): Record<string, Values> => {
  const all = mapInputs(batch.inputs, (data: TargetValues, name) => ({ shape: shapeOf(batch, name), data }))
  return names ? Object.fromEntries(names.map((name) => [name, all[name]!])) : all
}

function keepLarge(graph: Graph, large: Map<string, Values>) {
  return (values: Values): Output => {
    const name = `captured/${digest(values.data)}`
    const known = large.has(name)
    large.set(name, values)
    return known ? readOf(graph, name) : readVariable(graph, { name, shape: values.shape, type: typeOf(values.data) })
  }
}

function keepMade(graph: Graph, kept: Map<string, Made>) {
  return (made: Made): Output => {
    const name = `made/${made.name}`
    const known = kept.has(name)
    kept.set(name, made)
    return known ? readOf(graph, name) : readVariable(graph, { name, shape: made.shape, type: made.dtype })
  }
}

const readOf = (graph: Graph, name: string): Output => ({ oper: graph.find(`${name}/read`), index: 0 })

const identity = (graph: Graph, name: string, input: Output): Output =>
  graph.output({ type: 'Identity', name, inputs: [input], attributes: { T: { type: graph.typeOf(input) } } })

function rowOf(graph: Graph, table: Output, row: number): Output {
  const scalar = (name: string, value: number): Output =>
    graph.output({
      type: 'Const',
      name,
      attributes: { dtype: { type: TYPES.int32 }, value: { tensor: { shape: [], data: Int32Array.of(value) } } },
    })
  const name = `dropout_keys/${row}`
  return graph.output({
    type: 'GatherV2',
    name,
    inputs: [table, scalar(`${name}/row`, row), scalar(`${name}/axis`, 0)],
    attributes: {
      Tparams: { type: TYPES.int32 },
      Tindices: { type: TYPES.int32 },
      Taxis: { type: TYPES.int32 },
    },
  })
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
