import type { UserError } from '../../base/error.js'

/** A tensor as a pickle of PyTorch describes it: where its values are, counted in elements. */
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
 * Returns the tensors of a pickled dict. Only the parts of state dicts are understood; every other name or instruction
 * is refused, and nothing is ever called.
 */
export function unpickledTensors(bytes: Uint8Array, fail: Fail): Map<string, StoredTensor> {
  const result = unpickled(Buffer.from(bytes), fail)
  if (!(result instanceof Map)) throw fail('holds no dict of tensors.')
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of result) {
    if (typeof name !== 'string' || !isTensor(value)) throw fail('holds something other than named tensors.')
    tensors.set(name, value)
  }
  return tensors
}

function unpickled(bytes: Buffer, fail: Fail): unknown {
  const machine = new Machine(bytes, fail)
  for (;;) {
    const code = machine.byte()
    if (code === STOP) return machine.pop()
    const instruction = INSTRUCTIONS[code]
    if (!instruction) throw fail(`has instruction ${code} in its pickle, which no state dict needs.`)
    instruction(machine)
  }
}

/**
 * What a pickle's instructions work on: its bytes, read from front to back, a stack, and the values that were kept for
 * later.
 */
class Machine {
  readonly fail: Fail
  readonly #bytes: Buffer
  readonly #stack: unknown[] = []
  readonly #memo = new Map<number, unknown>()
  #at = 0

  constructor(bytes: Buffer, fail: Fail) {
    this.#bytes = bytes
    this.fail = fail
  }

  /** Goes past the next bytes; returns where they begin. */
  skip(length: number): number {
    if (this.#at + length > this.#bytes.length) throw this.fail('has a truncated pickle.')
    this.#at += length
    return this.#at - length
  }

  byte = () => this.#bytes.readUInt8(this.skip(1))
  uint16 = () => this.#bytes.readUInt16LE(this.skip(2))
  int32 = () => this.#bytes.readInt32LE(this.skip(4))
  uint32 = () => this.#bytes.readUInt32LE(this.skip(4))

  longInteger(): number {
    const length = this.byte()
    if (length > 6) throw this.fail('has a number beyond 48 bits in its pickle.')
    return length === 0 ? 0 : this.#bytes.readIntLE(this.skip(length), length)
  }

  text(length: number): string {
    const from = this.skip(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.#at)
    if (end < 0) throw this.fail('has a truncated pickle.')
    const value = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return value
  }

  push = (value: unknown): unknown => this.#stack.push(value)

  pop(): unknown {
    if (this.#stack.length === 0) throw this.fail('has a damaged pickle.')
    return this.#stack.pop()
  }

  popped(count: number): unknown[] {
    const items = Array.from({ length: count }, () => this.pop())
    return items.reverse()
  }

  /** All values above the last mark, which goes with them. */
  poppedToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK)
    if (mark < 0) throw this.fail('has a damaged pickle.')
    const items = this.#stack.splice(mark)
    return items.slice(1)
  }

  /** Puts keys and values, in turn, into the dict on the stack. */
  setItems(items: unknown[]): void {
    const map = this.#stack.at(-1)
    if (!(map instanceof Map)) throw this.fail('has a damaged pickle.')
    for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1])
  }

  memorise(index = this.#memo.size): void {
    this.#memo.set(index, this.#stack.at(-1))
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.fail('has a damaged pickle.')
    this.#stack.push(this.#memo.get(index))
  }
}

const STOP = 46

/** By their codes; the letters are those of Python's pickletools. */
const INSTRUCTIONS: Record<number, (machine: Machine) => unknown> = {
  128: (m) => m.skip(1), // PROTO
  149: (m) => m.skip(8), // FRAME
  125: (m) => m.push(new Map()), // }
  93: (m) => m.push([]), // ]
  41: (m) => m.push([]), // )
  40: (m) => m.push(MARK), // (
  78: (m) => m.push(null), // N
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  74: (m) => m.push(m.int32()), // J
  75: (m) => m.push(m.byte()), // K
  77: (m) => m.push(m.uint16()), // M
  138: (m) => m.push(m.longInteger()),
  88: (m) => m.push(m.text(m.uint32())), // X
  140: (m) => m.push(m.text(m.byte())),
  99: (m) => m.push(known(`${m.line()}.${m.line()}`, m.fail)), // c
  147: (m) => m.push(knownOfStack(m)),
  116: (m) => m.push(m.poppedToMark()), // t
  133: (m) => m.push(m.popped(1)),
  134: (m) => m.push(m.popped(2)),
  135: (m) => m.push(m.popped(3)),
  81: (m) => m.push(storageOf(m.pop(), m.fail)), // Q
  82: (m) => m.push(rebuilt(m.popped(2), m.fail)), // R
  98: (m) => m.pop(), // b: attributes of an OrderedDict
  115: (m) => m.setItems(m.popped(2)), // s
  117: (m) => m.setItems(m.poppedToMark()), // u
  113: (m) => m.memorise(m.byte()), // q
  114: (m) => m.memorise(m.uint32()), // r
  148: (m) => m.memorise(),
  104: (m) => m.recall(m.byte()), // h
  106: (m) => m.recall(m.uint32()), // j
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

function knownOfStack(machine: Machine): Global {
  const names = machine.popped(2)
  // lists of lists have texts without end
  if (!names.every((name) => typeof name === 'string')) throw machine.fail('has a damaged pickle.')
  return known(names.join('.'), machine.fail)
}

/** Returns the storage named by `('storage', torch.FloatStorage, '0', 'cpu', 1024)`. */
function storageOf(id: unknown, fail: Fail): { storage: string; key: string } {
  const [tag, type, key] = Array.isArray(id) ? id : []
  const storage = type instanceof Global ? STORAGE.exec(type.name)?.[1] : undefined
  if (tag !== 'storage' || storage === undefined || typeof key !== 'string') throw fail('has a damaged pickle.')
  return { storage, key }
}

function rebuilt([callee, values]: unknown[], fail: Fail): unknown {
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
