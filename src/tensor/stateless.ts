import type { Binding, BindingTensor, NodeBackend } from './binding.js'
import tf from './tf.cjs'

/**
 * Where a mask's values start in a generator's stream: at the first element of row `row`, where each row has `each`
 * elements.
 */
export interface From {
  /** One int32; in a capture, the array of an input. */
  row: Int32Array
  each: number
}

/**
 * Whether 16 random bits of each element, as a number, are at least `least`. TensorFlow's own generator (Philox), keyed
 * by two int32, gives two elements per word and four words per block. Returns a boolean tensor of that shape, from the
 * start of the stream or from `from` on. Needs the backend `tensorflow`.
 */
export function statelessAtLeast(
  shape: number[],
  key: [number, number] | Int32Array,
  least: number,
  from?: From,
): tf.Tensor {
  const backend = tf.backend() as NodeBackend
  const { TF_INT32 } = backend.binding
  const ops = new Ops(backend.binding)
  const count = tf.util.sizeFromShape(shape)
  // the key's own array: a capture knows its inputs by their arrays
  const seed = ops.tensor(key instanceof Int32Array ? key : Int32Array.from(key))
  const { words, begin } = from ? wordsFrom(ops, seed, count, from) : { words: firstWords(ops, seed, count), begin: 0 }
  const elements = 2 * words.shape[0]!
  const halves = ops.reshaped(ops.run('Bitcast', { T: TF_INT32, type: INT16 }, words.id), INT16, [elements])
  const limit = ops.run('Cast', { SrcT: TF_INT32, DstT: INT16 }, ops.tensor(Int32Array.of(least - 2 ** 15), []))
  const kept = ops.run('GreaterEqual', { T: INT16 }, halves.id, limit.id)
  const own = () => {
    const place = typeof begin === 'number' ? ops.tensor(Int32Array.of(begin)) : begin.id
    return ops.run('Slice', { T: BOOL, Index: TF_INT32 }, kept.id, place, ops.tensor(Int32Array.of(count)))
  }
  const result = ops.reshaped(begin === 0 && elements === count ? kept : own(), BOOL, shape)
  ops.disposeBut(result)
  return backend.createOutputTensor(result)
}

/** The stream's first words, for `count` elements. */
function firstWords(ops: Ops, seed: number, count: number): BindingTensor {
  const { TF_INT32: int32 } = ops.binding
  const types = { dtype: int32, T: int32, Tseed: int32 }
  return ops.run('StatelessRandomUniformFullInt', types, ops.tensor(Int32Array.of(Math.ceil(count / 2))), seed)
}

/**
 * Returns the words of `count` elements from a row on, starting with the block of its first element; `begin` is the
 * index of that element in the block.
 */
function wordsFrom(ops: Ops, seed: number, count: number, { row, each }: From) {
  const { TF_INT32: int32 } = ops.binding
  const aligned = each % BLOCK === 0
  const scalar = (value: number) => ops.tensor(Int32Array.of(value), [])
  const first = ops.run('Mul', { T: int32 }, ops.tensor(row, []), scalar(aligned ? each / BLOCK : each))
  const block = aligned ? first : ops.run('FloorDiv', { T: int32 }, first.id, scalar(BLOCK))
  const [generatorKey, counter] = ops.outputs('StatelessRandomGetKeyCounter', { Tseed: int32 }, [seed], 2)
  const blocks = ops.run('Mul', { T: int32 }, block.id, ops.tensor(Int32Array.of(1, 0))) // 128 bits, the low word first
  const ahead = ops.run('Cast', { SrcT: int32, DstT: INT64 }, blocks.id)
  const start = ops.run('Bitcast', { T: UINT64, type: INT64 }, counter!.id)
  const moved = ops.run('AddV2', { T: INT64 }, start.id, ahead.id)
  const words = ops.run(
    'StatelessRandomUniformFullIntV2',
    { dtype: int32, Tshape: int32 },
    ops.tensor(Int32Array.of(Math.ceil((aligned ? count : count + BLOCK - 1) / 2))),
    generatorKey!.id,
    ops.run('Bitcast', { T: INT64, type: UINT64 }, moved.id).id,
    scalar(PHILOX),
  )
  if (aligned) return { words, begin: 0 }
  const begin = ops.run('FloorMod', { T: int32 }, first.id, scalar(BLOCK))
  return { words, begin: ops.reshaped(begin, int32, [1]) }
}

/** Elements from one step of the generator's counter: four words of two. */
const BLOCK = 8
/** TensorFlow's number of the generator (tensorflow/core/framework/rng_alg.h). */
const PHILOX = 1

/** Runs ops of the binding; their tensors are disposed of together. */
class Ops {
  readonly binding: Binding
  readonly #made: number[] = []

  constructor(binding: Binding) {
    this.binding = binding
  }

  tensor(values: Int32Array, shape = [values.length]): number {
    const id = this.binding.createTensor(shape, this.binding.TF_INT32, values)
    this.#made.push(id)
    return id
  }

  run(type: string, types: Record<string, number>, ...inputs: number[]): BindingTensor {
    return this.outputs(type, types, inputs, 1)[0]!
  }

  outputs(type: string, types: Record<string, number>, inputs: number[], count: number): BindingTensor[] {
    const attributes = Object.entries(types).map(([name, value]) => ({
      name,
      type: this.binding.TF_ATTR_TYPE,
      value,
    }))
    const outputs = this.binding.executeOp(type, attributes, inputs, count)
    this.#made.push(...outputs.map(({ id }) => id))
    return outputs
  }

  reshaped(x: BindingTensor, T: number, shape: number[]): BindingTensor {
    return this.run('Reshape', { T, Tshape: this.binding.TF_INT32 }, x.id, this.tensor(Int32Array.from(shape)))
  }

  disposeBut(kept: BindingTensor): void {
    for (const id of this.#made) if (id !== kept.id) this.binding.deleteTensor(id)
  }
}

/** TF_DataType (tensorflow/c/tf_datatype.h) of types that tfjs has no name for. */
const INT16 = 5
const INT64 = 9
const BOOL = 10
const UINT64 = 23
