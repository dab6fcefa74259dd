import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { appendMetrics, truncateMetrics } from '../../src/run/log/metrics_log.js'
import { crc32c, frameRecord, readRecords } from '../../src/run/log/tfrecord.js'

const newFolder = () => mkdtempSync(join(tmpdir(), 'tensorboard-'))
const eventFiles = (folder: string) => readdirSync(folder).filter((name) => name.includes('tfevents'))

// expected: RFC 3720, B.4
test.each([
  ['32 bytes of zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ['the digits', Buffer.from('123456789'), 0xe3069283],
])('CRC-32C of %s', (_name, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc)
})

/** Steps and scalars of every event of a folder, files in the order of their names. */
function scalars(folder: string): [step: number, tag: string, value: number][] {
  return eventFiles(folder).flatMap((name) =>
    [...readRecords(readFileSync(join(folder, name)))].slice(1).flatMap((event) => decoded(event)),
  )
}

interface Field {
  field: number
  value: Buffer
}

/** Fields of a protocol buffer: wire types 0, 1, 2 and 5. */
function fields(message: Buffer): Field[] {
  const found: Field[] = []
  for (let at = 0; at < message.length; ) {
    const number = () => {
      let value = 0
      for (let unit = 1; ; unit *= 128) {
        const byte = message[at++]!
        value += (byte & 127) * unit
        if (byte < 128) return value
      }
    }
    const key = number()
    const start = at
    const take = (length: number, from = at) => {
      at = from + length
      return message.subarray(from, at)
    }
    const type = key & 7
    if (type === 0) number()
    const value =
      type === 0 ? message.subarray(start, at) : type === 1 ? take(8) : type === 5 ? take(4) : take(number())
    found.push({ field: key >> 3, value })
  }
  return found
}

function decoded(event: Buffer): [number, string, number][] {
  const all = fields(event)
  const step = all.find(({ field }) => field === 2)!.value.reduce((sum, byte, i) => sum + (byte & 127) * 128 ** i, 0)
  const summary = all.find(({ field }) => field === 5)!.value
  return fields(summary).map(({ value }) => {
    const [tag, scalar] = fields(value)
    return [step, tag!.value.toString(), scalar!.value.readFloatLE()]
  })
}

test('an event file has the bytes that TensorFlow would write', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  try {
    const folder = newFolder()
    appendMetrics(join(folder, 'metrics.jsonl'), { step: 300, loss: 0.5 }, { tensorboard: true })
    expect(eventFiles(folder)).toEqual(['events.out.tfevents.1700000000.compacter'])
    // expected: tensorboard 2.21 (Python), summary.writer.record_writer of Event(wall_time=1.7e9,
    // file_version='brain.Event:2') and Event(wall_time=1.7e9, step=300, summary=…'train/loss', 0.5)
    const expected =
      '1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d2100000000000000017becf60900000040fc54d94110ac022a130a110a0a747261696e2f6c6f7373150000003fdcc660a4'
    expect(readFileSync(join(folder, eventFiles(folder)[0]!)).toString('hex')).toBe(expected)
  } finally {
    vi.useRealTimers()
  }
})

test('holds every figure of a step and every score of an evaluation, as float32', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  const on = { tensorboard: true }
  appendMetrics(metrics, { step: 1, loss: 10.25, learning_rate: 0.0015, gradient_norm: 3.5 }, on)
  appendMetrics(metrics, { step: 1, split: 'validation', accuracy: 62.5, f1: 50 }, on)
  expect(scalars(folder)).toEqual([
    [1, 'train/loss', 10.25],
    [1, 'train/learning_rate', Math.fround(0.0015)],
    [1, 'train/gradient_norm', 3.5],
    [1, 'validation/accuracy', 62.5],
    [1, 'validation/f1', 50],
  ])
})

test('a resumed run has every step once, in a further file, also where a kill cut the last event short', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  const log = (step: number, loss: number) => appendMetrics(metrics, { step, loss }, { tensorboard: true })
  for (const step of [1, 2, 127, 128, 129]) log(step, step)
  const [first] = eventFiles(folder)
  appendFileSync(join(folder, first!), frameRecord(Buffer.alloc(40)).subarray(0, 30))
  truncateMetrics(metrics, 128)
  log(129, 0.5)
  truncateMetrics(metrics, 129)
  log(130, 0.25)
  expect(eventFiles(folder).length).toBe(3)
  expect(scalars(folder).map(([step, , loss]) => [step, loss])).toEqual([
    [1, 1],
    [2, 2],
    [127, 127],
    [128, 128],
    [129, 0.5],
    [130, 0.25],
  ])
})

test('a damaged event file is reported', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  for (const step of [1, 2, 3, 4]) appendMetrics(metrics, { step, loss: step }, { tensorboard: true })
  const said: string[] = []
  const say = (text: string) => said.push(text)
  truncateMetrics(metrics, 3, say)
  expect(said).toEqual([])
  const file = join(folder, eventFiles(folder)[0]!)
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(bytes[100]! ^ 1, 100, 101)) // in the second event
  truncateMetrics(metrics, 3, say)
  expect(scalars(folder).map(([step]) => step)).toEqual([1])
  expect(said).toEqual([`${folder}: TensorBoard's files are damaged and lack 2 of 3 events; metrics.jsonl has them.`])
})

test('a record that holds no event is dropped when a run goes on', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  for (const step of [1, 2]) appendMetrics(metrics, { step, loss: step }, { tensorboard: true })
  appendFileSync(join(folder, eventFiles(folder)[0]!), frameRecord(Buffer.from([0x09, 1])))
  truncateMetrics(metrics, 2)
  expect(scalars(folder).map(([step]) => step)).toEqual([1, 2])
})

test('a run that does not ask for them has no event files, resumed or not', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  appendMetrics(metrics, { step: 1, loss: 1 })
  truncateMetrics(metrics, 1)
  expect(readdirSync(folder)).toEqual(['metrics.jsonl'])
})

test.each([
  ['a flipped bit', (bytes: Buffer) => bytes.fill(bytes[20]! ^ 1, 20, 21)],
  ['a length beyond the file', (bytes: Buffer) => bytes.fill(0xff, 0, 6)],
  ['an end cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
])('reading records ends at %s', (_name, damage) => {
  const whole = frameRecord(Buffer.from('whole'))
  const damaged = damage(frameRecord(Buffer.from('some thirty bytes of a record.')))
  expect([...readRecords(Buffer.concat([whole, damaged, whole]))].map(String)).toEqual(['whole'])
})

test('other files of the folder are unchanged', () => {
  const folder = newFolder()
  const metrics = join(folder, 'metrics.jsonl')
  writeFileSync(join(folder, 'events.out.tfevents.1.host'), "another program's")
  appendMetrics(metrics, { step: 1, loss: 1 }, { tensorboard: true })
  truncateMetrics(metrics, 0)
  expect(readFileSync(join(folder, 'events.out.tfevents.1.host'), 'utf8')).toBe("another program's")
})
