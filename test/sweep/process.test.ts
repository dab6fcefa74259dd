import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { outputOf } from '../../src/base/program.js'
import { packageRoot } from '../../src/base/root.js'

const built = pathToFileURL(join(packageRoot, 'dist', 'src', 'sweep', 'run', 'process.js')).href

/**
 * Answers of so many cells at once, all of a folder that is no sweep, and the listeners of their process to its end,
 * during and after.
 */
function cellsAtOnce(count: number): { answers: unknown[]; listeners: number[] } {
  const logs = mkdtempSync(join(tmpdir(), 'cells-'))
  const script = `
    import { runCellApart } from ${JSON.stringify(built)}
    process.on('warning', (warning) => { throw warning })
    const cell = (index) => runCellApart({ folder: '/no/sweep', index }, {
      log: ${JSON.stringify(logs)} + '/' + index, interrupted: () => false, onSaid: () => {} })
    const before = process.listenerCount('exit')
    const cells = Array.from({ length: ${count} }, (_, index) => cell(index))
    const during = process.listenerCount('exit')
    const answers = await Promise.all(cells)
    console.log(JSON.stringify({ answers, listeners: [during, process.listenerCount('exit')].map((n) => n - before) }))`
  try {
    writeFileSync(join(logs, 'script.mjs'), script)
    const printed = outputOf(process.execPath, [join(logs, 'script.mjs')])
    expect(readdirSync(logs).length).toBe(count + 1)
    return JSON.parse(printed)
  } finally {
    rmSync(logs, { recursive: true })
  }
}

test('twelve cells at once have one listener between them, and Node warns of nothing', () => {
  const { answers, listeners } = cellsAtOnce(12)
  expect(answers).toEqual(Array(12).fill(expect.objectContaining({ failure: expect.stringContaining('/no/sweep') })))
  expect(listeners).toEqual([1, 0])
}, 600_000)
