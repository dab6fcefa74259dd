// Whole trainings beside transformers' Trainer (a T5: Seq2SeqTrainer) with the same method, start values, batch size,
// lengths, rates and evaluations: wall time of the processes, peak memory, test scores.
//   npm run build && npx tsx bench/training.bench.ts --glue FOLDER --python PYTHON [--backbone t5-nano]
//     [--method compacter] [--task mrpc] [--steps N] [--rounds 3] [--precision float32] [--json]
// Tasks are mrpc (3 epochs) and rotten-tomatoes (2 epochs). MRPC's official files are in a folder of `--glue`. Trainer
// pads to the longest row of a batch, groups rows by length and saves nothing; we group by length too, and save.
// Only t5-nano and bert-nano are pretrained: others have random weights, one of their tokenizers, and scores that mean
// nothing.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openBackbone } from '../src/backbone/files/weights.js'
import { silent } from '../src/base/progress.js'
import { packageRoot } from '../src/base/root.js'
import { classesOf, withLabels } from '../src/engine/prepare/head.js'
import { taskReadBy } from '../src/engine/prepare/reading.js'
import { loadExperiment } from '../src/experiment/load/load.js'
import type { Result } from '../src/run/directory.js'
import { countRows } from '../src/task/rows/source.js'
import { type Training, trainingTable } from './benchmarks_page.js'
import { compacter, compared, inTurn, pythonSides } from './sides.js'
import { backboneFolder, freshCache, writeRows, writeStart } from './torch_inputs.js'

const { values: flags } = parseArgs({
  options: {
    backbone: { type: 'string', default: 't5-nano' },
    method: { type: 'string', default: 'compacter' },
    task: { type: 'string', multiple: true, default: ['mrpc', 'rotten-tomatoes'] },
    glue: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    steps: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    batch: { type: 'string', default: '32' },
    precision: { type: 'string', default: 'float32' },
    json: { type: 'boolean', default: false },
  },
})

const EPOCHS: Record<string, number> = { mrpc: 3, 'rotten-tomatoes': 2 }

const folder = mkdtempSync(join(tmpdir(), 'compacter-training-'))
try {
  const backbone = await backboneFolder(flags.backbone, folder)
  const rows: Training[] = []
  for (const task of flags.task) rows.push(await measure(task, backbone))
  console.log(flags.json ? JSON.stringify(rows, null, 2) : trainingTable(rows))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(task: string, backbone: string): Promise<Training> {
  const { epochs, sets, experiment, steps, evaluateEvery } = await planned(task, backbone)
  const own = join(folder, task)
  mkdirSync(own)
  const start = join(own, 'start.safetensors')
  writeStart(experiment, backbone, start)
  await writeRows(experiment.task, join(own, 'data'))
  const { batch_size, learning_rate, warmup_steps, source_length, seed } = experiment.training
  const spec = {
    ...{ backbone, method: experiment.method, start, data: join(own, 'data'), folder: join(own, 'trainer') },
    labels: classesOf(experiment.task),
    ...{ batch_size, learning_rate, warmup_steps, source_length, seed, precision: flags.precision, epochs, steps },
    ...{ evaluation_batch_size: experiment.training.evaluation_batch_size, evaluate_every: evaluateEvery, threads: 0 },
  }
  const specFile = join(own, 'spec.json')
  writeFileSync(specFile, JSON.stringify(spec))
  const run = join(own, 'run')
  const cache = join(own, 'cache')
  const train = compacter('train', 'quickstart', '--json', '--run-dir', run, ...sets.flatMap((set) => ['--set', set]))
  const fresh = () => {
    for (const old of [run, cache]) rmSync(old, { recursive: true, force: true })
    freshCache(cache)
  }
  const trainer = [flags.python, join(packageRoot, 'bench/torch/trainer.py'), specFile]
  const ours = { name: `compacter, ${task}`, command: train, prepare: fresh, environment: { COMPACTER_CACHE: cache } }
  const sides = await inTurn([ours, ...pythonSides(trainer)], Number(flags.rounds))
  const result = sides[0]!.printed[0] as Result
  const theirs = sides[1]!.printed[0] as { trained_parameters: number; test: Result['test']; evaluations: number }
  if (theirs.trained_parameters !== result.trained_parameters)
    throw new Error(`${result.trained_parameters} parameters are trained here, ${theirs.trained_parameters} there`)
  const mean = (scores: Result['test']) => {
    const values = experiment.task.metrics.map((metric) => scores[metric]!)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  return {
    ...{ backbone: flags.backbone, method: flags.method, task, precision: flags.precision, steps: result.steps },
    ...{ evaluations: theirs.evaluations, trained_parameters: result.trained_parameters },
    ...compared(sides),
    score: mean(result.test),
    torch_score: mean(theirs.test),
  }
}

/** What both sides do: an evaluation after every epoch, or one at the end of a few steps. */
async function planned(task: string, backbone: string) {
  const epochs = EPOCHS[task]
  if (epochs === undefined) throw new Error(`--task ${task}: must be ${Object.keys(EPOCHS).join(' or ')}`)
  if (task === 'mrpc' && !flags.glue) throw new Error('--glue FOLDER: MRPC needs the folder of its official files')
  const base = [
    `backbone.name=${backbone}`,
    `method=${flags.method}`,
    ...(task === 'mrpc' ? ['task=glue/mrpc', `task.path=${flags.glue}`] : [`task=${task}`]),
    `training.batch_size=${flags.batch}`,
    `training.precision=${flags.precision}`,
    'training.group_by_length=true',
  ]
  const { task: rows } = loadExperiment('quickstart', base)
  const epoch = Math.ceil((await countRows(rows, 'train')) / Number(flags.batch))
  const steps = flags.steps === undefined ? epochs * epoch : Number(flags.steps)
  const evaluateEvery = Math.min(epoch, steps)
  const stops = [`training.steps=${steps}`, `training.warmup_steps=${Math.floor(steps / 10)}`]
  const sets = [...base, ...stops, `training.evaluate_every=${evaluateEvery}`]
  const experiment = loadExperiment('quickstart', sets)
  const { config, close } = openBackbone(backbone)
  close()
  const labelled = taskReadBy(config, await withLabels(experiment.task, config, silent))
  return { epochs, steps, evaluateEvery, sets, experiment: { ...experiment, task: labelled } }
}
