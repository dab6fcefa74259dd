import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { exportRun } from '../../../src/format/export.js'
import { makeRun } from '../made_run.js'
import { TASKS } from './made_encoder.js'

/** A run to export: its name, the folder of its encoder, what is set besides, and its task. */
export interface ExportCase {
  name: string
  on: string
  sets: readonly string[]
  task: keyof typeof TASKS
}

/** A folder for a file of tests that is removed after them, with runs and their exports in a format. */
export function exportFolder(format: Parameters<typeof exportRun>[1]['format']) {
  const folder = mkdtempSync(join(tmpdir(), `${format}-encoder-`))
  afterAll(() => rmSync(folder, { recursive: true }))
  const inFolder = (...names: string[]) => join(folder, ...names)
  const outOf = (name: string) => inFolder(name, 'out')
  const runOf = (name: string) => inFolder(name, 'run')
  const exported = (run: string, out: string) => exportRun(run, { format, out, force: false, progress: silent })
  return {
    folder,
    inFolder,
    outOf,
    runOf,
    exported,
    async makeExports(cases: readonly ExportCase[]): Promise<void> {
      for (const { name, on, sets, task } of cases) {
        await makeRun(runOf(name), `backbone=${inFolder(on)}`, ...TASKS[task], ...sets)
        await exported(runOf(name), outOf(name))
      }
    },
  }
}
