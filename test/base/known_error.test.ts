import { expect, test } from 'vitest'
import { knownError } from '../../src/base/known_error.js'

/** What WebAssembly throws. */
const runtimeError = (message: string) => Object.assign(new Error(message), { name: 'RuntimeError' })

test('an aborted WebAssembly program tells what its memory is and what helps', () => {
  const error = knownError(runtimeError('Aborted(). Build with -sASSERTIONS for more info.'))
  expect(error).toMatchObject({
    message:
      'WebAssembly stopped: most likely its memory is full, which holds 4 GiB at most. Lower training.batch_size or ' +
      'set training.micro_batch_size, or take a smaller backbone; `compacter doctor` says what the engine tensorflow ' +
      'needs, which has no such limit.',
  })
})

test('a full disk is told as such, and any other error stays what it is', () => {
  const full = Object.assign(new Error('write'), { code: 'ENOSPC', path: 'runs/a' })
  expect(knownError(full)).toMatchObject({ at: 'runs/a', problem: 'the disk is full.' })
  for (const other of [new Error('Aborted()'), runtimeError('unreachable')]) expect(knownError(other)).toBe(other)
})
