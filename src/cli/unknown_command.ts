import { commandLine } from '../base/command_line.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { distanceTo } from '../base/text/nearest.js'

class UnknownCommand extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** The number of words before the first flag or value that are looked at: no command has more. */
const LONGEST = 2

/** Says which of the known commands was probably meant by what was typed after `compacter`. */
export function unknownCommand(args: readonly string[], known: readonly string[]): UserError {
  const typed = args.filter((arg) => !arg.startsWith('-') && arg !== 'help').slice(0, LONGEST)
  const [best] = known
    .flatMap((command) => {
      const words = command.split(' ')
      const apart = words.map((word, i) => distanceTo(word, typed[i] ?? ''))
      const spelt = { command, typed: typed.slice(0, words.length).join(' '), distance: sum(apart) }
      // `compacter status` for `compacter sweep status`; a command of one word comes first.
      const short = { command, typed: typed[0] ?? '', distance: distanceTo(words.at(-1)!, typed[0] ?? '') + 0.5 }
      return words.length > 1 ? [spelt, short] : [spelt]
    })
    .filter(({ command, typed, distance }) => command !== typed && distance < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.distance - b.distance)
  const [first = '', second] = typed
  const group = second !== undefined && known.includes(first)
  const unknown = best?.typed ?? (group ? `${first} ${second}` : first)
  return new UnknownCommand({
    at: `compacter ${unknown}`,
    problem: 'there is no such command.',
    remedy: best
      ? `Did you mean '${commandLine(best.command)}'?`
      : `All commands: ${commandLine(group ? `help ${first}` : 'help')}.`,
  })
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
