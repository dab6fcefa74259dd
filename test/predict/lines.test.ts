import { expect, test } from 'vitest'
import { type StreamedLine, streamLines } from '../../src/predict/lines.js'

const MEBIBYTE = 2 ** 20
const NUL = 'there is a NUL byte in the line.'
const TOO_LONG = 'the line is longer than 16 MiB. Each row needs a line of its own.'

async function linesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<StreamedLine[]> {
  const lines: StreamedLine[] = []
  const stream = (async function* () {
    yield* chunks
  })()
  for await (const line of streamLines('stdin', stream)) lines.push(line)
  return lines
}

/**
 * A byte-order mark, CRLF, an empty line, bytes of no text, a NUL, a character of 4 bytes, no line break at the end.
 */
const hostile = Buffer.concat([
  Buffer.from('\ufefffirst\r\n\n'),
  Buffer.from([0xff, 0x41, 0x0a]),
  Buffer.from('n\0l\n😀 é\nlast'),
])
const expected = [
  { number: 1, text: 'first' },
  { number: 2, text: '' },
  { number: 3, text: undefined },
  { number: 4, problem: NUL },
  { number: 5, text: '😀 é' },
  { number: 6, text: 'last', last: true },
]

test('a line that cannot be used does not end the others, wherever the chunks are cut', async () => {
  expect(await linesOf([hostile])).toEqual(expected)
  expect(await linesOf(Array.from(hostile, (byte) => Buffer.of(byte)))).toEqual(expected)
  for (let cut = 1; cut < hostile.length; cut++) {
    expect(await linesOf([hostile.subarray(0, cut), hostile.subarray(cut)]), `cut at ${cut}`).toEqual(expected)
  }
})

test('a line of 300 MB is one bad row, and is not held', async () => {
  const chunk = Buffer.alloc(MEBIBYTE, 'a')
  let most = 0
  const before = process.memoryUsage().arrayBuffers
  function* chunks() {
    yield Buffer.from('before\n')
    for (let i = 0; i < 300; i++) {
      yield Buffer.from(chunk) // each its own memory, as a stream's are
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    yield Buffer.from('\nafter\n')
  }
  expect(await linesOf(chunks())).toEqual([
    { number: 1, text: 'before' },
    { number: 2, problem: TOO_LONG },
    { number: 3, text: 'after' },
  ])
  expect(most / MEBIBYTE).toBeLessThan(150)
})

test('exactly 16 MB are a line, a byte more is not', async () => {
  const long = Buffer.alloc(16 * MEBIBYTE + 1, 'a')
  const [fits, tooLong] = await linesOf([long.subarray(1), Buffer.from('\n'), long, Buffer.from('\n')])
  expect(fits).toMatchObject({ number: 1, text: expect.stringMatching(/^a{10}/) })
  expect(tooLong).toEqual({ number: 2, problem: TOO_LONG })
})

test('UTF-16 is refused as a whole', async () => {
  await expect(linesOf([Buffer.from('\ufeffa\n', 'utf16le')])).rejects.toThrow(
    'stdin: the text is in UTF-16. Save it as UTF-8 text.',
  )
})

test('an empty text has no line, a line break alone is one', async () => {
  expect(await linesOf([])).toEqual([])
  expect(await linesOf([Buffer.from('\n')])).toEqual([{ number: 1, text: '' }])
})

test('carriage returns alone end lines where the stream begins so', async () => {
  expect(await linesOf([Buffer.from('a\rb\r'), Buffer.from('c')])).toEqual([
    { number: 1, text: 'a' },
    { number: 2, text: 'b' },
    { number: 3, text: 'c', last: true },
  ])
  expect(await linesOf([Buffer.from('a\r'), Buffer.from('\nb\n')])).toEqual([
    { number: 1, text: 'a' },
    { number: 2, text: 'b' },
  ])
})
