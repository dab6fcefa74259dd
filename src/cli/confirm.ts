import { createInterface } from 'node:readline/promises'
import { BAD_USAGE, UserError } from '../base/error.js'
import { printable } from '../base/text/printable.js'

class NotAsked extends UserError {
  override readonly exitCode = BAD_USAGE
}

interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean }
  output: NodeJS.WritableStream & { isTTY?: boolean }
}

/**
 * Asks for consent on a terminal; anything but yes is no. Standard output stays free for results.
 * @throws UserError where nobody can be asked
 */
export async function confirmed(
  question: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (!input.isTTY || !output.isTTY) {
    throw new NotAsked({
      problem: 'there is no terminal to ask on, so nothing was removed.',
      remedy: 'Look at what would be with --dry-run, then give consent with --yes.',
    })
  }
  const asking = createInterface({ input, output })
  try {
    const ended = new Promise<string>((done) => asking.once('close', () => done('')))
    const answer = await Promise.race([asking.question(`${printable(question)} [y/N] `), ended])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    asking.close()
  }
}
