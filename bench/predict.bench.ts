// `compacter predict` of 10,000 Rotten Tomatoes rows on t5-nano with a trained method beside transformers' `generate`
// with the same tensors, in batches sorted by length: wall time of the processes, peak memory, whether outputs agree.
//   npm run build && npx tsx bench/predict.bench.ts --python PYTHON [--run DIR] [--rows 10000] [--batch 100]
//     [--precision float32] [--steps 400] [--rounds 3] [--json]
// Without --run, the quickstart is trained first, for --steps steps. Tokens and graphs of earlier runs are not used.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadTokenizer } from '../src/backbone/files/tokenizer.js'
import { packageRoot } from '../src/base/root.js'
import { loadExperiment } from '../src/experiment/load/load.js'
import { readSplit } from '../src/task/rows/source.js'
import { type Predicted, predictTable } from './benchmarks_page.js'
import { compacter, compared, inTurn, pythonSides, runSide } from './sides.js'
import { freshCache, NANO } from './torch_inputs.js'

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    run: { type: 'string' },
    rows: { type: 'string', default: '10000' },
    batch: { type: 'string', default: '100' },
    precision: { type: 'string', default: 'float32' },
    steps: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'compacter-predict-'))
try {
  const row = await measure(flags.run ?? (await trained(join(folder, 'run'))))
  console.log(flags.json ? JSON.stringify(row, null, 2) : predictTable([row]))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function trained(run: string): Promise<string> {
  const { steps } = flags
  const command = compacter('train', 'quickstart', '--json', '--run-dir', run, '--steps', steps)
  await runSide({ name: 'training', command: [...command, '--set', `training.evaluate_every=${steps}`] })
  return run
}

async function measure(run: string): Promise<Predicted> {
  const experiment = loadExperiment(join(run, 'experiment.yaml'))
  const sources = await writeRows(experiment.task)
  const tokenizer = await loadTokenizer(join(NANO, 'tokenizer.json'))
  const labels = await tokenizer.encode(['0', '1'], Number.MAX_SAFE_INTEGER)
  const [ours, theirs, spec, cache] = ['ours.jsonl', 'theirs.txt', 'spec.json', 'cache'].map((name) =>
    join(folder, name),
  )
  const newTokens = Math.max(...labels.map((ids) => ids.length))
  const flagsOfOurs = [
    '--batch-size',
    flags.batch,
    '--max-length',
    `${newTokens}`,
    '--precision',
    flags.precision,
    '--output',
    ours!,
    '--force',
    '--json',
  ]
  const values = {
    ...{ backbone: NANO, method: experiment.method, tensors: join(run, 'best.safetensors') },
    ...{ sources: join(folder, 'sources.jsonl'), output: theirs, batch_size: Number(flags.batch) },
    ...{ source_length: experiment.training.source_length, new_tokens: newTokens },
    precision: flags.precision,
  }
  writeFileSync(spec!, JSON.stringify(values))
  const side = {
    name: 'compacter',
    command: compacter('predict', run, '--input', sources, ...flagsOfOurs),
    environment: { COMPACTER_CACHE: cache! },
    prepare() {
      rmSync(cache!, { recursive: true, force: true })
      freshCache(cache!)
    },
  }
  const script = join(packageRoot, 'bench/torch/predictor.py')
  const sides = await inTurn([side, ...pythonSides([flags.python, script, spec!])], Number(flags.rounds))
  const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')
  const mine = linesOf(ours!).map((line) => (JSON.parse(line) as { prediction: string }).prediction)
  const other = linesOf(theirs!)
  if (mine.length !== other.length) throw new Error(`${mine.length} rows here, ${other.length} in PyTorch`)
  const differing = mine.filter((prediction, i) => prediction !== other[i]).length
  return { precision: flags.precision, rows: mine.length, differing, ...compared(sides) }
}

/** Writes the rows for us and the texts that they become for PyTorch; returns the file of the rows. */
async function writeRows(task: Parameters<typeof readSplit>[0]): Promise<string> {
  const splits = []
  for (const split of ['train', 'validation', 'test'] as const) splits.push(...(await readSplit(task, split)))
  const rows = splits.slice(0, Number(flags.rows))
  const file = join(folder, 'rows.jsonl')
  if (!('prompt' in task)) throw new Error(`${task.name}: its rows have no prompt`)
  const prefix = task.prompt.replace('{text}', '')
  if (rows.length < Number(flags.rows)) throw new Error(`--rows ${flags.rows}: there are ${rows.length}`)
  const write = (name: string, values: unknown[]) =>
    writeFileSync(name, `${values.map((value) => JSON.stringify(value)).join('\n')}\n`)
  write(
    file,
    rows.map(({ source }) => ({ text: source.slice(prefix.length) })),
  )
  write(
    join(folder, 'sources.jsonl'),
    rows.map(({ source }) => source),
  )
  return file
}
