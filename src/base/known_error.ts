import { commandLine } from './command_line.js'
import { UserError } from './error.js'
import { asUserError } from './files/write_error.js'

/** Turns an error of the system into one that the user can act on; returns any other unchanged. */
export const knownError = (error: unknown): unknown => (isFullMemory(error) ? fullMemory(error) : asUserError(error))

/** WebAssembly's programs end like this where their memory, of 4 GiB at most, cannot grow. */
const isFullMemory = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'RuntimeError' && error.message.startsWith('Aborted(')

const fullMemory = (cause: Error) =>
  new UserError(
    {
      problem: 'WebAssembly stopped: most likely its memory is full, which holds 4 GiB at most.',
      remedy:
        'Lower training.batch_size or set training.micro_batch_size, or take a smaller backbone; ' +
        `\`${commandLine('doctor')}\` says what the engine tensorflow needs, which has no such limit.`,
    },
    { cause },
  )
