import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheFolder } from '../../src/base/files/cache_folder.js'
import { compacter } from '../support/cli.js'
import { engines } from '../support/engines.js'

const folder = mkdtempSync(join(tmpdir(), 'priced-'))
const engine = ['--engine', engines[0]!, '--threads', '1', '--json']
const ROWS = 24
writeFileSync(
  join(folder, 'trial.yaml'),
  `experiment: quickstart
set: { task: glue/rte, training.epochs: null, training.steps: 10, training.batch_size: ${ROWS}, training.source_length: 32 }
axes: { training.seed: [0, 1] }
`,
)

/** A cache without prices; the engines are the user's. */
const usersEngines = join(cacheFolder(), 'engines')
if (existsSync(usersEngines)) symlinkSync(usersEngines, join(folder, 'engines'))

// the bounds are wide, since a test shares its cores with others
test('a price is near what the whole batch takes, and needs no rows', async () => {
  const environment = { HF_HOME: folder, COMPACTER_CACHE: folder, HF_HUB_OFFLINE: '1' }
  const plan = await compacter(['sweep', 'run', join(folder, 'trial.yaml'), '--dry-run', ...engine], environment)
  expect(plan.code, plan.stderr).toBe(0)
  const { cells, priced, measured } = JSON.parse(plan.stdout)
  expect([priced, measured, cells[0].steps, cells[0].basis]).toEqual([1, 0, 10, 'priced'])
  const steps = ['--batch', String(ROWS), '--source-length', '32', '--target-length', '5', '--steps', '4']
  const bench = ['bench', '--backbone', 't5-nano', '--method', 'compacter', ...steps, '--repetitions', '1', ...engine]
  const whole = await compacter(bench, environment)
  expect(whole.code, whole.stderr).toBe(0)
  const [row] = [JSON.parse(whole.stdout)].flat()
  const ratios = [cells[0].estimated_seconds / 10 / (row.step_ms / 1000), cells[0].peak_memory_bytes / row.peak_bytes]
  for (const ratio of ratios) {
    expect(ratio, String(ratios)).toBeGreaterThan(1 / 3)
    expect(ratio, String(ratios)).toBeLessThan(3)
  }
})
