// expected: the end of each run by the version that began it, see make_stored_runs.ts
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { runFiles } from '../../src/run/directory.js'
import { DEVICE, EXPECTED, STORED, storedRuns } from './stored_runs.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-stored-'))
cpSync(STORED, folder, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true }))

/** Values by tensor name, in the file's order. */
function tensorsOf(path: string): [string, Float32Array][] {
  const file = openSafetensors(path)
  const tensors = [...file.entries.keys()].map((name): [string, Float32Array] => [name, file.read(name)])
  file.close()
  return tensors
}

test.each(Object.keys(storedRuns))(
  'a run of %s from an earlier version goes on to the same bits',
  { timeout: 300_000 },
  async (name) => {
    const files = runFiles(join(folder, name))
    const experiment = loadExperiment(files.experiment)
    const options = { ...DEVICE, folder: files.folder, progress: silent, interrupted: () => false }
    const { steps } = await train(experiment, { ...options, resume: true })
    expect(steps).toBe(8)
    const [now, then] = [tensorsOf(files.last), tensorsOf(join(files.folder, EXPECTED))]
    expect(now.map(([tensor]) => tensor)).toEqual(then.map(([tensor]) => tensor))
    for (const [i, [tensor, values]] of now.entries()) expect(values, tensor).toEqual(then[i]![1])
  },
)
