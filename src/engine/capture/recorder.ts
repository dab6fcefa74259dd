import type { At } from '../../backbone/pass.js'
import type { Precision } from '../../base/choices.js'
import type { Binding, BindingTensor, NodeBackend, OpAttribute } from '../../tensor/binding.js'
import type { Made } from '../../tensor/made.js'
import tf from '../../tensor/tf.cjs'
import type { Attribute, Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { TYPES, type Values } from '../graph/tensor.js'
import type { After } from '../model/checkpoint_activations.js'
import { Constants } from './constants.js'
import { NodeNames } from './node_names.js'
import { Products } from './products.js'
import { aroundGradients } from './tape.js'

/** What a recorder puts into the graph for values that are not in it. */
export interface Surroundings {
  /** Arrays that are inputs of the graph: a tensor made of such an array becomes that output. */
  inputs: Map<ArrayLike<number>, Output>
  precision: Precision
  /** Returns what replaces a constant too large for the graph. */
  large(values: Values): Output
  /** Returns what stands for values that are made later. */
  made(made: Made): Output
}

/** Ids of recorded tensors start here, beyond those of the binding, so that they can't be confused. */
const FIRST_ID = 2 ** 30

/** The list inputs of operations, by their places in the flat inputs that tfjs passes. */
const listInputs: Record<string, (inputs: Output[]) => (Output | Output[])[]> = {
  ConcatV2: (inputs) => [inputs.slice(0, -1), inputs.at(-1)!],
  Pack: (inputs) => [inputs],
  AddN: (inputs) => [inputs],
}

/**
 * Writes every op that tfjs asks of tfjs-node's binding into a graph, instead of computing it: TensorFlow infers
 * shapes, and nothing is allocated. Recorded tensors have a shape and no values.
 */
export class Recorder {
  readonly graph: Graph
  readonly #outputs: Output[] = []
  readonly #constants: Constants
  readonly #inputs: Surroundings['inputs']
  readonly #made: Surroundings['made']
  readonly #names = new NodeNames()
  readonly #products: Products

  constructor(graph: Graph, { inputs, large, made, precision }: Surroundings) {
    this.graph = graph
    this.#inputs = inputs
    this.#made = made
    this.#constants = new Constants(graph, large)
    this.#products = new Products(graph, precision, this.#names)
  }

  /** Runs `body` with tfjs's ops recorded. Every tensor that it makes ends with it. */
  record<T>(body: () => T): T {
    const backend = tf.backend() as NodeBackend
    const { binding } = backend
    backend.binding = this.#recording(binding)
    tf.engine().startScope()
    try {
      return body()
    } finally {
      tf.engine().endScope()
      backend.binding = binding
    }
  }

  /** Returns a tfjs tensor for an output of the graph. Only while recording. */
  tensor(output: Output): tf.Tensor {
    return (tf.backend() as NodeBackend).createOutputTensor(this.#recorded(output))
  }

  /** Returns the graph's output behind a recorded tensor, in the tensor's own type. Only while recording. */
  output(tensor: tf.Tensor): Output {
    const backend = tf.backend() as NodeBackend & { getInputTensorIds(tensors: tf.Tensor[]): number[] }
    return this.#products.float32(this.#output(backend.getInputTensorIds([tensor])[0]!))
  }

  /** Records what `body` does as done after the tensor is computed. */
  readonly after: After = (tensor, body) => this.graph.after([this.output(tensor).oper], body)

  /**
   * Records what `body` does, and what its gradient will do, under the name of a part of the model. The gradient waits
   * for that of its outputs: otherwise TensorFlow would compute what needs saved values alone in the forward pass, and
   * hold it until then.
   */
  readonly at: At = (part, body) =>
    aroundGradients(
      () => this.#names.at(part, body),
      (dys) => {
        const operations = dys.map((dy) => this.output(dy).oper)
        return (compute) => this.graph.after(operations, compute)
      },
    )

  #recording(binding: Binding): Binding {
    const own = {
      createTensor: (shape: number[], dtype: number, values: ArrayLike<number>) =>
        this.#recorded(this.#input(values, shape) ?? this.#constants.output(constantOf(shape, dtype, values))).id,
      deleteTensor: () => {},
      tensorDataSync: () => {
        throw new Error('a recorded tensor has no values: what is captured must not read any')
      },
      executeOp: (type: string, attributes: OpAttribute[], inputs: number[], count: number) =>
        this.#operation(binding, type, attributes, inputs, count),
      made: (made: Made) => this.#recorded(this.#made(made)),
      after: this.after,
    }
    // the binding is frozen, so other members are taken from it unchanged
    return Object.create(binding, Object.getOwnPropertyDescriptors(own)) as Binding
  }

  /** Returns the input behind an array, in the shape of the tensor that is made of it. */
  #input(values: ArrayLike<number>, shape: number[]): Output | undefined {
    const input = this.#inputs.get(values)
    if (!input || String(this.graph.shapeOf(input)) === String(shape)) return input
    const dimensions = this.#constants.output({ shape: [shape.length], data: Int32Array.from(shape) })
    const attributes = { T: { type: this.graph.typeOf(input) }, Tshape: { type: TYPES.int32 } }
    const name = this.#names.next('Reshape')
    return this.graph.output({ type: 'Reshape', name, inputs: [input, dimensions], attributes })
  }

  #operation(binding: Binding, type: string, attributes: OpAttribute[], ids: number[], count: number): BindingTensor[] {
    const stored = ids.map((id) => this.#output(id))
    if (type === 'BatchMatMulV2') return [this.#recorded(this.#products.output(stored, attributes))]
    if (type === 'GatherV2') return [this.#recorded(this.#rows(stored as [Output, Output, Output]))]
    const inputs = this.#products.inputsOf(type, stored)
    const oper = this.graph.add({
      type,
      name: this.#names.next(type),
      inputs: listInputs[type]?.(inputs) ?? inputs,
      attributes: { ...attributesOf(binding, attributes), ...this.#ownType(inputs) },
    })
    return Array.from({ length: count }, (_, index) => this.#recorded({ oper, index }))
  }

  /** Returns attributes for tfjs, in which every number is float32. */
  #ownType([first]: Output[]): Record<string, Attribute> {
    return first && this.graph.typeOf(first) === TYPES.bfloat16 ? { T: { type: TYPES.bfloat16 } } : {}
  }

  /** Looks up rows of a table: only these are converted to float32, not the table. */
  #rows(inputs: [Output, Output, Output]): Output {
    const types = inputs.map((input) => ({ type: this.graph.typeOf(input) }))
    const attributes = { Tparams: types[0]!, Tindices: types[1]!, Taxis: types[2]! }
    const name = this.#names.next('GatherV2')
    return this.#products.float32(this.graph.output({ type: 'GatherV2', name, inputs, attributes }))
  }

  /** Returns a tensor for tfjs, which has no bfloat16 and sees it as float32. */
  #recorded(output: Output): BindingTensor {
    const id = FIRST_ID + this.#outputs.push(output) - 1
    const type = this.graph.typeOf(output)
    return { id, dtype: type === TYPES.bfloat16 ? TYPES.float32 : type, shape: this.graph.shapeOf(output) }
  }

  #output(id: number): Output {
    const output = this.#outputs[id - FIRST_ID]
    if (output) return output
    throw new Error('a tensor from outside came into a capture: pass it as a variable or an input')
  }
}

function constantOf(shape: number[], dtype: number, values: ArrayLike<number>): Values {
  if (dtype === TYPES.float32)
    return { shape, data: values instanceof Float32Array ? values : Float32Array.from(values) }
  if (dtype === TYPES.int32) return { shape, data: values instanceof Int32Array ? values : Int32Array.from(values) }
  throw new Error(`a captured constant is of TensorFlow's type ${dtype}; float32 and int32 can be written`)
}

const attributesOf = (binding: Binding, attributes: OpAttribute[]): Record<string, Attribute> =>
  Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeOf(binding, attribute)]))

function attributeOf(binding: Binding, { name, type, value }: OpAttribute): Attribute {
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return { type: value as number }
    case binding.TF_ATTR_INT:
      return { int: value as number | number[] }
    case binding.TF_ATTR_FLOAT:
      return { float: value as number | number[] }
    case binding.TF_ATTR_BOOL:
      return { bool: value as boolean | boolean[] }
    case binding.TF_ATTR_STRING:
      return { string: value as string }
    case binding.TF_ATTR_SHAPE:
      return { shape: value as number[] }
    default:
      throw new Error(`the attribute ${name} has a type that is not known: ${type}`)
  }
}
