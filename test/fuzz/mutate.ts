/** Numbers that decide a mutation: the same seed gives the same input. Mulberry32, by Tommy Ettinger. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  below(count: number): number {
    return Math.floor(this.unit() * count)
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)))
  }
}

const NUMBERS = [0, 1, 127, 128, 255, 256, 32_767, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]
const LARGEST = 2 ** 20

/** One to four changes of the bytes, most of them small; at most a megabyte more. */
export function mutatedBytes(bytes: Buffer, chance: Chance): Buffer {
  let mutated: Buffer = Buffer.from(bytes)
  for (let changes = 1 + chance.below(4); changes > 0; changes--) mutated = changedOnce(mutated, chance)
  return mutated
}

function changedOnce(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + chance.below(chance.of([1, 8, 64, bytes.length + 1])))
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
  switch (chance.below(8)) {
    case 0:
      return Buffer.concat([
        before,
        Buffer.from([1 << chance.below(8)]).map((bit) => bit ^ (bytes[at] ?? 0)),
        bytes.subarray(at + 1),
      ])
    case 1:
      return Buffer.concat([before, chance.bytes(Math.min(piece.length, 64)), after])
    case 2:
      return Buffer.concat([before, after])
    case 3:
      return before
    case 4:
      return Buffer.concat([before, piece, piece, after])
    case 5:
      return Buffer.concat([
        before,
        ...Array(Math.min(1000, Math.ceil(LARGEST / (piece.length + 1)))).fill(piece),
        after,
      ])
    case 6:
      return withNumber(bytes, at, chance)
    default:
      return Buffer.concat([before, Buffer.from(chance.of(TEXTS)), after])
  }
}

function withNumber(bytes: Buffer, at: number, chance: Chance): Buffer {
  const changed = Buffer.from(bytes)
  const value = chance.of(NUMBERS)
  if (at + 8 <= bytes.length && chance.below(3) === 0)
    changed.writeBigUInt64LE(BigInt(value) << BigInt(chance.below(32)), at)
  else if (at + 4 <= bytes.length) changed.writeUInt32LE(value, at)
  else if (at < bytes.length) changed[at] = value & 255
  return changed
}

const TEXTS = [
  '"',
  "'",
  '\n',
  '\r',
  ',',
  '\t',
  '\0',
  '\\',
  '{',
  '[',
  ']',
  '}',
  '&a ',
  '*a',
  '- ',
  ': ',
  '? ',
  '|\n',
  '\u2028',
  '\ufeff',
  '\ud83d',
  '1e999',
  'NaN',
  '__proto__',
]

/** A value with one or two of its parts replaced, taken out, renamed, repeated or put elsewhere. */
export function mutatedValue(value: unknown, chance: Chance): unknown {
  const root = { value: structuredClone(value) as unknown }
  for (let changes = 1 + chance.below(2); changes > 0; changes--) changePart(root, chance)
  return root.value
}

type Holder = Record<string, unknown>

function changePart(root: { value: unknown }, chance: Chance): void {
  let holder = root as Holder
  let key = 'value'
  for (;;) {
    const inner = holder[key]
    if (typeof inner !== 'object' || inner === null || chance.below(4) === 0) break
    const keys = Object.keys(inner)
    if (keys.length === 0) break
    holder = inner as Holder
    key = chance.of(keys)
  }
  const part = holder[key]
  switch (chance.below(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else if (holder !== (root as unknown)) delete holder[key]
      return
    case 1:
      if (!Array.isArray(holder) && holder !== (root as unknown))
        holder[chance.of(['__proto__', 'constructor', '', 'type', `${key}x`])] = part
      return
    case 2:
      holder[key] = Array(chance.of([2, 100, 5000])).fill(typeof part === 'object' ? null : part)
      return
    case 3:
      holder[key] = typeof part === 'string' ? mutatedBytes(Buffer.from(part), chance).toString() : { [key]: part }
      return
    case 4:
      holder[key] = typeof part === 'number' ? part * chance.of([-1, 0.5, 1e9, 2]) + chance.of([0, 1, -1]) : [part]
      return
    default:
      holder[key] = oddValue(chance)
  }
}

function oddValue(chance: Chance): unknown {
  switch (chance.below(5)) {
    case 0:
      return chance.of([null, true, false, '', {}, [], '\0', '../../x', 'x'.repeat(100_000), '\ud800'])
    case 1:
      return nested(chance.of([20, 200, 1000]), chance.below(2) === 0)
    case 2:
      return chance.of([...NUMBERS, -1, 0.5, 1e308, 2 ** 53, 4e9, -(2 ** 31)])
    case 3:
      return Object.fromEntries(Array.from({ length: chance.of([3, 3000]) }, (_, i) => [`k${i}`, i]))
    default:
      return chance.of(['1', 'null', 'relu', 'cuda', 'F32', '{x}', '🙂', 'a b'])
  }
}

function nested(depth: number, lists: boolean): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = lists ? [value] : { a: value }
  return value
}
