import type { UserError } from '../../base/error.js'

/** A tensor as a pickle of PyTorch tells it: where its values are, counted in elements. */
export interface StoredTensor {
  storage: string
  key: string
  offset: number
  shape: number[]
}

type Fail = (problem: string) => UserError

class Global {
  constructor(readonly name: string) {}
}

const MARK = Symbol('mark')
const STORAGE = /^torch\.(\w+Storage)$/

/**
 * The tensors of a pickled dict. Only what state dicts consist of is understood; every other name or instruction is
 * refused, and nothing is ever called.
 */
export function unpickledTensors(bytes: Uint8Array, fail: Fail): Map<string, StoredTensor> {
  const result = unpickled(Buffer.from(bytes), fail)
  if (!(result instanceof Map)) throw fail('holds no dict of tensors.')
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of result) {
    if (typeof name !== 'string' || !isTensor(value)) throw fail('holds something beside named tensors.')
    tensors.set(name, value)
  }
  return tensors
}

function unpickled(bytes: Buffer, fail: Fail): unknown {
  const stack: unknown[] = []
  const memo = new Map<number, unknown>()
  let at = 0
  const take = (length: number) => {
    if (at + length > bytes.length) throw fail('has a truncated pickle.')
    at += length
    return at - length
  }
  const text = (length: number) => {
    const from = take(length)
    return bytes.toString('utf8', from, from + length)
  }
  const line = () => {
    const end = bytes.indexOf(10, at)
    if (end < 0) throw fail('has a truncated pickle.')
    const value = bytes.toString('utf8', at, end)
    at = end + 1
    return value
  }
  const pop = () => {
    if (stack.length === 0) throw fail('has a damaged pickle.')
    return stack.pop()
  }
  const popMarked = () => {
    const mark = stack.lastIndexOf(MARK)
    if (mark < 0) throw fail('has a damaged pickle.')
    const items = stack.splice(mark)
    return items.slice(1)
  }
  const popped = (count: number) => {
    const items = Array.from({ length: count }, pop)
    return items.reverse()
  }
  const setItems = (items: unknown[]) => {
    const map = stack.at(-1)
    if (!(map instanceof Map)) throw fail('has a damaged pickle.')
    for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1])
  }
  const recall = (index: number) => {
    if (!memo.has(index)) throw fail('has a damaged pickle.')
    stack.push(memo.get(index))
  }
  const instructions: Record<number, () => void> = {
    128: () => take(1), // PROTO
    149: () => take(8), // FRAME
    125: () => stack.push(new Map()), // }
    93: () => stack.push([]), // ]
    41: () => stack.push([]), // )
    40: () => stack.push(MARK), // (
    78: () => stack.push(null), // N
    136: () => stack.push(true),
    137: () => stack.push(false),
    74: () => stack.push(bytes.readInt32LE(take(4))), // J
    75: () => stack.push(bytes.readUInt8(take(1))), // K
    77: () => stack.push(bytes.readUInt16LE(take(2))), // M
    138: () => {
      const length = bytes.readUInt8(take(1))
      if (length > 6) throw fail('has a number beyond 48 bits in its pickle.')
      stack.push(length === 0 ? 0 : bytes.readIntLE(take(length), length))
    },
    88: () => stack.push(text(bytes.readUInt32LE(take(4)))), // X
    140: () => stack.push(text(bytes.readUInt8(take(1)))),
    99: () => stack.push(known(`${line()}.${line()}`, fail)), // c
    147: () => {
      const names = popped(2)
      if (!names.every((name) => typeof name === 'string')) throw fail('has a damaged pickle.') // lists of lists have texts without end
      stack.push(known(names.join('.'), fail))
    },
    116: () => stack.push(popMarked()), // t
    133: () => stack.push(popped(1)),
    134: () => stack.push(popped(2)),
    135: () => stack.push(popped(3)),
    81: () => stack.push(storageOf(pop(), fail)), // Q
    82: () => {
      const [callee, values] = popped(2)
      stack.push(rebuilt(callee, values, fail))
    },
    98: () => pop(), // b: attributes of an OrderedDict
    115: () => setItems(popped(2)), // s
    117: () => setItems(popMarked()), // u
    113: () => memo.set(bytes.readUInt8(take(1)), stack.at(-1)), // q
    114: () => memo.set(bytes.readUInt32LE(take(4)), stack.at(-1)), // r
    148: () => memo.set(memo.size, stack.at(-1)),
    104: () => recall(bytes.readUInt8(take(1))), // h
    106: () => recall(bytes.readUInt32LE(take(4))), // j
  }
  for (;;) {
    const code = bytes.readUInt8(take(1))
    if (code === 46) return pop() // .
    const instruction = instructions[code]
    if (!instruction) throw fail(`has instruction ${code} in its pickle, which no state dict needs.`)
    instruction()
  }
}

const ALLOWED = new Set([
  'collections.OrderedDict',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
])

function known(name: string, fail: Fail): Global {
  if (ALLOWED.has(name) || STORAGE.test(name)) return new Global(name)
  throw fail(`asks for ${JSON.stringify(name.slice(0, 120))}, which no state dict needs. Do not trust it.`)
}

/** `('storage', torch.FloatStorage, '0', 'cpu', 1024)` */
function storageOf(id: unknown, fail: Fail): { storage: string; key: string } {
  const [tag, type, key] = Array.isArray(id) ? id : []
  const storage = type instanceof Global ? STORAGE.exec(type.name)?.[1] : undefined
  if (tag !== 'storage' || storage === undefined || typeof key !== 'string') throw fail('has a damaged pickle.')
  return { storage, key }
}

function rebuilt(callee: unknown, values: unknown, fail: Fail): unknown {
  if (!(callee instanceof Global) || !Array.isArray(values)) throw fail('has a damaged pickle.')
  if (callee.name === 'collections.OrderedDict') return new Map()
  if (callee.name === 'torch._utils._rebuild_parameter') return values[0]
  const [place, offset, shape, strides] = values
  const { storage, key } = (place ?? {}) as { storage?: unknown; key?: unknown }
  if (typeof storage !== 'string' || typeof key !== 'string' || !isCounts([offset]) || !isCounts(shape)) {
    throw fail('has a damaged pickle.')
  }
  const contiguous = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  const rowMajor = isCounts(strides) && shape.every((size, axis) => size <= 1 || strides[axis] === contiguous[axis])
  if (!rowMajor) throw fail('has a tensor that is a view of another: save it with .contiguous().')
  return { storage, key, offset, shape }
}

const isTensor = (value: unknown): value is StoredTensor =>
  typeof value === 'object' && value !== null && 'storage' in value && 'shape' in value

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 8 && value.every((count) => Number.isSafeInteger(count) && count >= 0)
