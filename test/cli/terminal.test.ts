import { afterEach, expect, test, vi } from 'vitest'
import { pipeProgress, terminalProgress } from '../../src/cli/terminal.js'

afterEach(() => vi.restoreAllMocks())

test('quiet: warnings are all that is written', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  for (const progressOf of [terminalProgress, pipeProgress]) {
    const progress = await progressOf({ quiet: true })
    progress.phase('Training')
    progress.update('step 1')
    progress.note('shortened')
    progress.warn('busy')
    progress.end()
  }
  expect(write.mock.calls.map(([text]) => text)).toEqual(['Warning: busy\n', 'Warning: busy\n'])
})
