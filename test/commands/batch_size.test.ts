import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { compacter, smallExperiment } from '../support/cli.js'
import { hasEngine } from '../support/engines.js'

test.runIf(hasEngine('tensorflow'))(
  'batch_size: auto is chosen once, told, noted, and kept by a run that goes on',
  async () => {
    const { folder, file } = smallExperiment({ epochs: 2, batch_size: 'auto', warmup_steps: 0, source_length: 16 })
    const run = join(folder, 'run')
    const command = ['train', file, '--run-dir', run, '--engine', 'tensorflow', '--threads', '1']
    const { code, stderr } = await compacter(command)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stderr).toMatch(/Batch size: 64 \(training\.batch_size: auto\)\. Steps on the longest rows take .* free\./)
    const read = (name: string) => readFileSync(join(run, name), 'utf8')
    const { batch_size_auto } = JSON.parse(read('manifest.json'))
    expect(batch_size_auto.rows).toBe(64) // all rows of the training: one step an epoch
    expect(batch_size_auto.peak_memory_bytes).toBeLessThan(batch_size_auto.available_bytes)
    expect(parse(read('experiment.yaml')).training.batch_size).toBe(64)
    expect(JSON.parse(read('result.json')).steps).toBe(2)

    const longer = await compacter([...command, '--resume', '--set', 'training.epochs=3'])
    expect({ code: longer.code, stderr: longer.stderr }).toMatchObject({ code: 0 })
    expect(longer.stderr).not.toContain('Choosing the batch size')
    expect(JSON.parse(read('manifest.json')).batch_size_auto).toEqual(batch_size_auto)
    expect(JSON.parse(read('result.json')).steps).toBe(3)
  },
  600_000,
)

test.runIf(hasEngine('tensorflow'))(
  'a dry run says what batch_size: auto is',
  async () => {
    const { file } = smallExperiment({ epochs: 3, batch_size: 'auto', source_length: 16 })
    const { code, stdout, stderr } = await compacter(['train', file, '--dry-run', '--json', '--threads', '1'])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ batch_size_auto: { rows: 64 }, steps: 3, fits: true })
  },
  600_000,
)
