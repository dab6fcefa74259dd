import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Progress, silent } from '../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { evaluateRuns } from '../../src/engine/evaluate/evaluate_run.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { exportRun } from '../../src/format/export.js'
import { runFiles } from '../../src/run/directory.js'
import { readState, stepOfTrained } from '../../src/run/state.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const { folder, file } = smallExperiment({
  steps: 6,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 2,
  checkpoint_every: 1,
  source_length: 64,
})
const device = { engine: engines[0]!, threads: 1 }
const path = (...names: string[]) => join(folder, ...names)
const files = runFiles(path('run'))

let warnings: string[] = []
const heard: Progress = { ...silent, warn: (text) => warnings.push(text) }

/** Trains, or resumes, until it is interrupted after so many steps, or to its end. */
async function training(until = Number.POSITIVE_INFINITY, { resume = true } = {}): Promise<void> {
  let asked = 0
  const options = { ...device, folder: files.folder, resume, progress: heard, interrupted: () => asked++ >= until }
  await train(loadExperiment(file), options).catch((error) => {
    if (!(error instanceof Interrupted)) throw error
  })
}

const scored = () =>
  evaluateRuns([files.folder], {
    ...device,
    ...({ split: 'test', scoring: 'generate' } as const),
    ...{ sets: [], allowChanged: false, progress: heard },
  })

/** The tensors stay: only the step is another. */
function saysStep(step: number): void {
  const before = openSafetensors(files.best)
  const tensors = [...before.entries.values()].map(
    ({ name, shape }) => [name, { shape, data: before.read(name) }] as const,
  )
  before.close()
  writeSafetensors(files.best, tensors, { step: String(step) })
}

const bestStep = () => readState(files.checkpoint).best!.step

let best: Buffer
beforeAll(async () => {
  await training(Number.POSITIVE_INFINITY, { resume: false })
  cpSync(files.folder, path('finished'), { recursive: true })
  rmSync(files.folder, { recursive: true })
  // The question of the interrupt is asked in evaluations too: until it has saved step 2 with its evaluation.
  for (let until = 3; ; until++) {
    await training(until, { resume: false })
    const { step, evaluatedStep } = readState(files.checkpoint)
    if (step === 2 && evaluatedStep === 2) break
    rmSync(files.folder, { recursive: true })
  }
  best = readFileSync(files.best)
  cpSync(files.folder, path('kept'), { recursive: true })
})
const restore = (name: string) => {
  rmSync(files.folder, { recursive: true, force: true })
  cpSync(path(name), files.folder, { recursive: true })
}
afterEach(() => {
  warnings = []
  restore('kept')
})
afterAll(() => rmSync(folder, { recursive: true }))

const REMEDY = 'Restore the file of that step, or, if the training is not finished, go on with --resume.'

describe('tensors of another step than the best', () => {
  test.each(['kept', 'finished'])('are neither scored nor exported: %s', async (which) => {
    restore(which)
    const step = bestStep()
    saysStep(step + 1)
    const complaint = `${files.best}: holds the tensors of step ${step + 1}; the run's best is step ${step}. ${REMEDY}`
    await expect(scored()).rejects.toThrow(complaint)
    const exported = exportRun(files.folder, { format: 'safetensors', out: path('out'), force: false, progress: heard })
    await expect(exported).rejects.toThrow(complaint)
    saysStep(step)
    expect((await scored()).evaluated[0]!.examples.length).toBe(20)
  })

  test.each(['missing', 'of an earlier step'])('are taken from the checkpoint that is of it: %s', async (what) => {
    if (what === 'missing') rmSync(files.best)
    else saysStep(1)
    await training(0)
    expect(readFileSync(files.best)).toEqual(best)
    expect(warnings).toEqual([
      `The tensors of step 2, the best so far, are the checkpoint's: ${files.best} is written again.`,
    ])
    await training()
    const result = (name: string) => JSON.parse(readFileSync(path(name, 'result.json'), 'utf8'))
    expect(result('run').test).toEqual(result('finished').test)
    expect(readFileSync(files.best)).toEqual(readFileSync(path('finished', 'best.safetensors')))
  })

  test.each(['missing', 'of an earlier step'])(
    'are refused where the checkpoint is of a later one: %s',
    async (what) => {
      await training(1)
      expect([readState(files.checkpoint).step, bestStep()]).toEqual([3, 2])
      if (what === 'missing') rmSync(files.best)
      else saysStep(1)
      const problem = what === 'missing' ? 'there is no such file' : 'holds the tensors of step 1'
      await expect(training()).rejects.toThrow(
        `${files.best}: ${problem}; by ${files.checkpoint} the run's best is step 2. Restore the file of that step, or start a new run with --run-dir.`,
      )
      expect(existsSync(files.result)).toBe(false)
    },
  )

  test('of a step after the checkpoint, as a kill left them before, are chosen again', async () => {
    await training(1)
    saysStep(4)
    await training()
    expect(warnings).toContain(
      `${files.best} is of step 4, after the checkpoint's 3: the best is chosen from the evaluations to come.`,
    )
    const { best_step } = JSON.parse(readFileSync(files.result, 'utf8'))
    expect(best_step).toBeGreaterThan(2)
    expect(stepOfTrained(files.best)).toBe(best_step)
  })
})
