import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compacter, smallExperiment } from '../support/cli.js'
import { engine, training } from './thirty_steps.js'

describe('train', () => {
  const { folder, file } = smallExperiment(training)

  test.each(['/proc/run', '/dev/null/run'])(
    'refuses %s, where nothing can be written, before it reads anything',
    async (place) => {
      const { code, stderr } = await compacter(['train', file, '--run-dir', place, ...engine])
      expect(code).toBe(1)
      expect(stderr).toMatch(
        new RegExp(`^${place}: a run can't be written there: .* Choose another folder with --run-dir.\n$`),
      )
    },
  )

  test('a loss that is not a number stops with the step, the rows and the last good state', async () => {
    const broken = join(folder, 'broken')
    const { code, stderr } = await compacter([
      'train',
      file,
      '--run-dir',
      broken,
      '--set',
      'training.learning_rate=1e30',
      ...engine,
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /at step 3 the loss is NaN and the gradient norm NaN; the rows are lines \d+, \d+, \d+, \d+ of /,
    )
    expect(stderr).toContain(`The state after step 2 is in ${join(broken, 'checkpoint', 'state.safetensors')}.`)
    expect(existsSync(join(broken, 'result.json'))).toBe(false)
  })

  test('--dry-run checks everything, times a step and writes nothing', async () => {
    const dry = join(folder, 'dry')
    const { code, stdout, stderr } = await compacter([
      'train',
      file,
      '--run-dir',
      dry,
      '--dry-run',
      '--json',
      ...engine,
    ])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      rows: { train: 64, validation: 20, test: 20 },
      steps: 30,
      trained_parameters: 18368,
      fits: true,
    })
    expect(existsSync(dry)).toBe(false)
  })
})
