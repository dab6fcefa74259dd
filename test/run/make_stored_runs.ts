// Makes test/fixtures/stored-runs: runs stopped in the middle, and what the same version makes of them when they are
// not stopped.   npx tsx test/run/make_stored_runs.ts NAME… It refuses a run that exists: users have such runs, so a
// change of ours must not be hidden by making it again.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { runFiles } from '../../src/run/directory.js'
import { stopAfter } from '../support/stop_after.js'
import { DEVICE, EXPECTED, STORED, storedRuns } from './stored_runs.js'

const SPLITS = { train: 24, validation: 4, test: 4 }
const STOP_AFTER = 4
/** Not the fixtures' own folder: a run notes where its rows were. */
const MADE = join(tmpdir(), 'compacter-stored-runs')

/** An epoch has six steps: the run goes on in the middle of one, and into the next. */
const training = {
  ...{ steps: 8, batch_size: 4, warmup_steps: 2, evaluate_every: 3, label_smoothing: 0.1, keep: 'all' },
  ...{ source_length: 32, target_length: 4, dropout: 0.1 },
}

function experimentFile(): string {
  mkdirSync(MADE, { recursive: true })
  for (const [split, rows] of Object.entries(SPLITS)) {
    const lines = readFileSync(join(packageRoot, `configs/tasks/rotten-tomatoes/${split}.jsonl`), 'utf8').split('\n')
    // every label is there, whatever order the rows are in
    const own = lines.filter((_, row) => row % Math.floor(lines.length / rows) === 0).slice(0, rows)
    const file = join(MADE, `${split}.jsonl`)
    writeFileSync(file, `${own.join('\n')}\n`)
  }
  const task = { name: 'stored', prompt: 'sentence: {text}' }
  const rows = Object.fromEntries(Object.keys(SPLITS).map((split) => [split, `${split}.jsonl`]))
  const file = join(MADE, 'experiment.yaml')
  writeFileSync(file, JSON.stringify({ name: 'stored', backbone: 't5-nano', task: { ...task, ...rows }, training }))
  return file
}

async function make(name: string, file: string, sets: string[]): Promise<void> {
  const [folder, stored] = [join(MADE, name), join(STORED, name)]
  if (existsSync(stored)) throw new Error(`${stored} is there already: runs made by earlier versions stay as they are`)
  const experiment = loadExperiment(file, sets)
  const options = { ...DEVICE, folder, progress: silent }
  await train(experiment, { ...options, resume: false, interrupted: stopAfter(folder, STOP_AFTER) }).catch((error) => {
    if (!(error instanceof Interrupted)) throw error
  })
  const whole = `${folder}.whole`
  await train(experiment, { ...options, folder: whole, resume: false, interrupted: () => false })
  copyFileSync(runFiles(whole).last, join(folder, EXPECTED))
  rmSync(runFiles(folder).last, { force: true })
  cpSync(folder, stored, { recursive: true })
}

const file = experimentFile()
for (const name of process.argv.slice(2)) await make(name, file, storedRuns[name]!)
for (const split of Object.keys(SPLITS)) copyFileSync(join(MADE, `${split}.jsonl`), join(STORED, `${split}.jsonl`))
rmSync(MADE, { recursive: true })
