// Examines the paper's claim for few training rows: Compacter and LoRA against full fine-tuning on t5-nano and
// bert-nano, Rotten Tomatoes and SST-2, each with its learning rate searched on validation by the same budget, then
// five seeds. Writes docs/results/low_resource.{json,md,svg}.
//   npm run build && npx tsx bench/low_resource.bench.ts FOLDER --glue FOLDER
// Runs stay in FOLDER and are not repeated: interrupted, it goes on where it was.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { unique } from '../src/run/compare/groups.js'
import { runFiles } from '../src/run/directory.js'
import { differences } from './intervals.js'
import { type LowResource, lowResourcePage, placeOf, type Trained } from './low_resource_page.js'
import { writeResults } from './plots.bench.js'
import { trained, twoAtATime } from './trainings.js'

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { glue: { type: 'string' } } })
const [folder] = positionals
const { glue } = flags
if (!folder || !glue) throw new Error('Name the folder that the runs are in, or will be, and --glue with SST-2.')

const STEPS = 300
const SETTINGS = { steps: STEPS, warmup_steps: STEPS / 10, evaluate_every: STEPS / 2, batch_size: 16, keep: 'best' }
/** The first searches the rate. */
const SEEDS = [0, 1, 2, 3, 4]
const SIZES = [100, 4000]
const FACTORS = [1 / 3, 1, 3]
const METHODS = ['full', 'compacter', 'lora']
const TASKS: Record<string, Record<string, unknown>> = {
  'rotten-tomatoes': { task: 'rotten-tomatoes' },
  'sst-2': { task: 'glue/sst2', 'task.path': glue },
}
/**
 * The rates in the middle of the search: the presets', but for full fine-tuning what was found for it on all rows
 * (docs/results/methods.md, bert-nano's README).
 */
const BACKBONES: Record<string, { experiment: string; rates: Record<string, number> }> = {
  't5-nano': { experiment: 'quickstart', rates: { full: 0.00009, compacter: 0.003, lora: 0.001 } },
  'bert-nano': { experiment: 'classify', rates: { full: 0.0003, compacter: 0.003, lora: 0.001 } },
}

type Cell = Pick<Trained, 'backbone' | 'task' | 'size' | 'method'>

const cells: Cell[] = SIZES.flatMap((size) =>
  Object.keys(BACKBONES).flatMap((backbone) =>
    Object.keys(TASKS).flatMap((task) => METHODS.map((method) => ({ backbone, task, size, method }))),
  ),
)

const runOf = ({ backbone, task, size, method }: Cell, rate: number, seed: number) =>
  join(folder, backbone, task, `${size}`, method, `${rate}-${seed}`)

/** Trains on the rows that the seed draws, from what it initialises, in its order. */
async function train(cell: Cell, rate: number, seed: number): Promise<{ validation: number; test: number }> {
  const { backbone, task, size, method } = cell
  const { validation, test } = await trained(runOf(cell, rate, seed), BACKBONES[backbone]!.experiment, {
    training: { ...SETTINGS, learning_rate: rate, seed },
    others: { backbone, method, ...TASKS[task]!, 'task.subset.size': size, 'task.subset.seed': seed },
  })
  console.error(backbone, task, size, method, rate, seed, validation.accuracy, test.accuracy)
  return { validation: validation.accuracy!, test: test.accuracy! }
}

/** Takes the rate that is best on validation with the first seed, of equal ones the lowest. */
async function measured(cell: Cell): Promise<Trained> {
  const middle = BACKBONES[cell.backbone]!.rates[cell.method]!
  const search: Trained['search'] = []
  for (const factor of FACTORS) {
    const rate = Number((middle * factor).toPrecision(1))
    search.push({ rate, validation: (await train(cell, rate, SEEDS[0]!)).validation })
  }
  const most = Math.max(...search.map(({ validation }) => validation))
  const { rate } = search.find(({ validation }) => validation === most)!
  const scores = []
  for (const seed of SEEDS) scores.push(await train(cell, rate, seed))
  return {
    ...cell,
    rate,
    search,
    validation: scores.map((each) => each.validation),
    test: scores.map(({ test }) => test),
  }
}

const all = await twoAtATime(cells, measured)
const [first] = all
const { device } = JSON.parse(readFileSync(runFiles(runOf(first!, first!.rate, SEEDS[0]!)).manifest, 'utf8'))
const results: LowResource = {
  ...{ device, settings: SETTINGS, seeds: SEEDS, cells: all },
  differences: differences(
    unique(all.map(placeOf)).map((where) => ({
      where,
      runs: Object.fromEntries(
        all
          .filter((cell) => placeOf(cell) === where)
          .map((cell) => [cell.method, SEEDS.map((seed) => runOf(cell, cell.rate, seed))]),
      ),
    })),
  ),
}
await writeResults('low_resource', results, lowResourcePage(results))
