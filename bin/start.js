import { Command, Config, flush, run, settings } from '@oclif/core'
import { incomplete, isIncomplete } from './loaded.js'
import { guardStreams } from './streams.js'

const BAD_USAGE = 2

/** Runs the command line to its end and its exit code; `development` runs the commands from their sources. */
export async function start({ development = false } = {}) {
  if (development) {
    process.env.NODE_ENV = 'development'
    settings.debug = true
  }
  const streams = guardStreams(async (error) => {
    const { writeError } = await import(source('base/files/write_error', development))
    const { printable } = await import(source('base/text/printable', development))
    return printable(laidOut(writeError('standard output', error)))
  })
  // oclif would print an error of a --json command without its message, so every error is printed here.
  Command.prototype.catch = async (error) => {
    throw error
  }
  try {
    await run(process.argv.slice(2), import.meta.url)
    await flush()
  } catch (thrown) {
    if (streams.failed()) return // reported already
    const error = await told(thrown, development)
    process.exitCode = exitCode(error)
    process.emit('compacter:failed', process.exitCode) // src/cli/terminal.ts stops drawing
    if (error.code !== 'EEXIT') await tell(error, development)
  }
}

/**
 * Returns the exit code. Our errors have it; oclif's, all about the command line, keep it elsewhere (127 for an unknown
 * command).
 */
function exitCode(error) {
  if (error.exitCode !== undefined) return error.exitCode
  if (error.code === 'EEXIT') return error.oclif.exit
  return error.oclif?.exit === undefined ? 1 : BAD_USAGE
}

/**
 * Returns an error for the user. A full disk is not our mistake, for an unknown command the one that was probably
 * meant is named, and flags that do not fit each other are told in our words.
 */
async function told(error, development) {
  if (isIncomplete(error)) return incomplete(error)
  const { knownError } = await import(source('base/known_error', development))
  if (error.constructor.name === 'NonExistentFlagsError') return unknownFlags(error.flags, development)
  if (error.constructor.name === 'FailedFlagValidationError') {
    const { unfitFlags } = await import(source('cli/unfit_flags', development))
    return unfitFlags(error.parse) ?? error
  }
  if (!error.oclif || !/^command .* not found\.?$/i.test(error.message)) return knownError(error)
  const { unknownCommand } = await import(source('cli/unknown_command', development))
  const { commands, topics } = await Config.load(import.meta.url)
  const shown = [...commands.map(({ id: name, hidden }) => ({ name, hidden })), ...topics].filter(
    ({ hidden }) => !hidden,
  )
  return unknownCommand(
    process.argv.slice(2),
    shown.map(({ name }) => name.replaceAll(':', ' ')),
  )
}

async function unknownFlags(flags, development) {
  const { unknownFlag } = await import(source('catalogue/unknown_flag', development))
  const { commands } = await Config.load(import.meta.url)
  return unknownFlag(flags, process.argv.slice(2), commands)
}

const source = (name, development) => (development ? `../src/${name}.ts` : `../dist/src/${name}.js`)

async function tell(error, development) {
  const { printable } = await import(source('base/text/printable', development))
  const text = expected(error) || !process.env.DEBUG ? error.message : error.stack
  if (wantsJson()) {
    const json = JSON.stringify({ error: { name: error.name, message: text, ...details(error) } }, null, 2)
    process.stdout.write(`${printable(json)}\n`)
  } else process.stderr.write(`${printable(expected(error) ? laidOut(error) : `Unexpected error: ${text}`)}\n`)
}

/** Whether the user can act on the error, ours or oclif's; any other is a bug. */
const expected = (error) => error.problem !== undefined || error.oclif !== undefined

/** Puts the remedy on its own line on a terminal; elsewhere the message stays whole, so that a search finds it. */
function laidOut({ at, problem, remedy, message }) {
  if (!process.stderr.isTTY || !problem) return message
  return [at ? `${at}: ${problem}` : problem, remedy].filter(Boolean).join('\n  ')
}

const details = ({ at, problem, remedy, complaints }) =>
  problem === undefined ? {} : { at, problem, remedy, complaints }

function wantsJson() {
  const end = process.argv.indexOf('--')
  return process.argv.slice(2, end < 0 ? undefined : end).includes('--json')
}
