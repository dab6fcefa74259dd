import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MersenneTwister } from '../../src/base/numbers/random.js'
import { compacter, smallExperiment, start } from '../support/cli.js'
import { hasEngine } from '../support/engines.js'

const STEPS = 24
const training = {
  steps: STEPS,
  batch_size: 4,
  warmup_steps: 4,
  evaluate_every: 12,
  checkpoint_every: 3,
  source_length: 32,
  dropout: 0.1,
  engine_mode: 'replay',
}
const options = ['--engine', 'tensorflow', '--threads', '1']

const text = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const manifest = (folder: string) => JSON.parse(text(folder, 'manifest.json'))

const logged = (folder: string): number =>
  existsSync(join(folder, 'metrics.jsonl')) ? text(folder, 'metrics.jsonl').split('\n').length - 1 : 0

/** What of a run does not depend on the clock. */
const outcome = (folder: string) => ({
  last: readFileSync(join(folder, 'last.safetensors')).toString('base64'),
  best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
  metrics: text(folder, 'metrics.jsonl'),
})

describe.runIf(hasEngine('tensorflow'))('a replayed training', () => {
  const { folder, file } = smallExperiment(training)
  const whole = join(folder, 'whole')

  test('says in its manifest and log how its steps are taken', async () => {
    const { code, stderr } = await compacter(['train', file, '--run-dir', whole, ...options])
    expect(code, stderr).toBe(0)
    const { session, tensor_float_32, padding, graphs, engine_mode, precision } = manifest(whole)
    expect({ session, tensor_float_32, engine_mode, precision }).toEqual({
      session: { intra_threads: 1, inter_threads: 1, rewrites: false, xla_level: 0 },
      tensor_float_32: null,
      engine_mode: 'replay',
      precision: 'float32',
    })
    // 24 steps of 4 rows are too few for a second length to pay
    expect(padding.source_lengths).toEqual([32])
    expect(padding.target_lengths.length).toBe(1)
    const names: string[] = graphs.map(({ name }: { name: string }) => name)
    expect(names.slice(0, 2)).toEqual([`step_4x32x${padding.target_lengths[0]}`, 'decoding'])
    for (const name of names.slice(2)) expect(name).toMatch(/^loss_4x/)
    expect(stderr).toContain('Steps: replay (as training.engine_mode says).')
    expect(stderr).toContain(
      `Padding: ${padding.source_padding_percent} % of the source tokens and ${padding.target_padding_percent} % of the target tokens; sources have one length: 32.`,
    )
  })

  test('killed twice and resumed, it ends with the same bits', async () => {
    const killed = join(folder, 'killed')
    const chance = new MersenneTwister(1)
    for (let kills = 0; ; kills++) {
      const resume = existsSync(join(killed, 'experiment.yaml'))
      const running = start(['train', file, '--run-dir', killed, ...(resume ? ['--resume'] : []), ...options])
      let over = false
      running.ended.then(() => (over = true))
      if (kills < 2) {
        const enough = logged(killed) + 2 + (chance.uint32() % 6)
        while (logged(killed) < enough && !over) await new Promise((resolve) => setTimeout(resolve, 5))
        running.process.kill('SIGKILL')
      }
      const { code, stderr } = await running.ended
      if (code === 0) {
        expect(stderr).toMatch(/Training, resumed after step \d+/)
        expect(kills).toBe(2)
        break
      }
      expect(code, stderr).toBeNull()
      if (!existsSync(join(killed, 'experiment.yaml'))) rmSync(killed, { recursive: true, force: true })
    }
    expect(outcome(killed)).toEqual(outcome(whole))
    expect(manifest(killed).graphs.every(({ cached }: { cached: boolean }) => cached)).toBe(true)
  })

  test('of the same experiment, an eager one pads no further than to multiples of 8', async () => {
    const eager = join(folder, 'eager')
    const mode = ['--set', 'training.engine_mode=eager']
    const { code, stderr } = await compacter(['train', file, '--run-dir', eager, ...mode, ...options])
    expect(code, stderr).toBe(0)
    const { session, graphs, engine_mode, padding } = manifest(eager)
    expect({ session, graphs, engine_mode }).toEqual({ session: null, graphs: [], engine_mode: 'eager' })
    expect(padding.source_lengths).toEqual([24, 32])
    expect(padding.source_padding_percent).toBeLessThan(manifest(whole).padding.source_padding_percent)
  })
})
