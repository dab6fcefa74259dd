import { checkBeginning, type Line, LONGEST_LINE, lineText } from '../task/rows/lines.js'

/** A line that was read, or what is wrong with it. */
export type StreamedLine = Line | { number: number; problem: string }

const TOO_LONG = `the line is longer than ${LONGEST_LINE / 2 ** 20} MiB. Each row needs a line of its own.`
const NUL = 'there is a NUL byte in the line.'

/**
 * Yields the lines of a stream as they arrive, with one chunk and one line of at most `LONGEST_LINE` bytes in memory.
 * Unlike `readLines` it continues after a line that can't be used; `name` is the name for errors.
 * @throws UserError for text in UTF-16, and a Git LFS pointer.
 */
export async function* streamLines(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<StreamedLine> {
  let number = 1
  let begun: Buffer[] = []
  let length = 0
  const take = (part: Buffer) => {
    length += part.length
    if (length <= LONGEST_LINE) begun.push(part)
    else begun = []
  }
  const ended = (): StreamedLine => {
    const line = length > LONGEST_LINE ? { number, problem: TOO_LONG } : lineOf(Buffer.concat(begun), number)
    number++
    begun = []
    length = 0
    return line
  }
  let lineBreak: number | undefined
  for await (const chunk of chunks) {
    lineBreak ??= checkBeginning(name, chunk)
    let start = 0
    for (let end = chunk.indexOf(lineBreak); end !== -1; end = chunk.indexOf(lineBreak, start)) {
      take(chunk.subarray(start, end))
      yield ended()
      start = end + 1
    }
    if (start < chunk.length) take(chunk.subarray(start))
  }
  if (length > 0) yield { ...ended(), last: true }
}

const lineOf = (bytes: Buffer, number: number): StreamedLine =>
  bytes.includes(0) ? { number, problem: NUL } : { number, text: lineText(bytes, number) }
