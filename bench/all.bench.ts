// Measures everything that docs/benchmarks.md says of us beside PyTorch and the paper, in a few hours on a quiet
// machine: steps of every method preset on t5-base's dimensions, whole trainings, predictions, tokenising.
//   npm run docs:benchmarks -- FOLDER --python PYTHON --glue FOLDER [--short]
// Each measurement is a file in FOLDER, and one that is there with the same command is not repeated: stopped, it goes
// on where it was. The page is written when all are there. --short takes minutes, with t5-nano and a step or two: it
// shows that every part works, and prints the tables instead of writing the page.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeAtomically, writeFully } from '../src/base/files/atomic.js'
import { presetNames } from '../src/base/presets.js'
import { packageRoot } from '../src/base/root.js'
import { type Results, tables } from './benchmarks_page.js'
import { compacter } from './sides.js'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    glue: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
})
const [folder] = positionals
const { python, glue, short } = flags
if (!folder || !python || !glue)
  throw new Error('Name the folder of the results, --python with torch, transformers and peft, --glue with MRPC.')

/** Methods of the whole trainings. */
const TRAINED = ['compacter', 'adapter']
const PRECISIONS = ['float32', 'bfloat16'] as const

interface Measurement {
  /** The name of the result's file. */
  name: string
  command: string[]
}

const script = (name: string, ...args: string[]) => [
  process.execPath,
  '--import',
  'tsx',
  join(packageRoot, 'bench', `${name}.bench.ts`),
  ...args,
  '--json',
]

/** A step of one method, ours and PyTorch's. */
const step = (method: string, precision: string): Measurement => ({
  name: `step-${precision}-${method}`,
  command: compacter(
    ...['bench', '--json', '--backbone', short ? 't5-nano' : 't5-base', '--method', method],
    ...['--against', 'torch', '--python', python, '--precision', precision],
    ...(short
      ? ['--batch', '2', '--source-length', '16', '--steps', '1', '--repetitions', '1']
      : ['--batch', '8', '--source-length', '128', '--steps', '3', '--repetitions', '2']),
  ),
})

/** Two tasks on t5-nano; with t5-small's dimensions and random weights, some steps of each. */
const training = (backbone: string, method: string): Measurement => ({
  name: `training-${backbone}-${method}`,
  command: script(
    'training',
    ...['--backbone', backbone, '--method', method, '--python', python, '--glue', glue],
    ...(short ? ['--task', 'mrpc', '--steps', '24', '--rounds', '1'] : ['--rounds', '3']),
    ...(!short && backbone !== 't5-nano' ? ['--steps', '100'] : []),
  ),
})

const texts = [
  ...['SST-2/train.tsv', 'MNLI/dev_matched.jsonl', 'MNLI/dev_mismatched.jsonl', 'STS-B/train.tsv', 'RTE/train.tsv'],
  ...['RTE/test.tsv', 'CoLA/train.tsv'],
].map((name) => join(glue, name))

/** t5-nano has four layers, where adapterdrop leaves the first five out. */
const methods = presetNames('methods').filter((method) => !short || method !== 'adapterdrop')

/** Full fine-tuning first: the page compares the others with it. */
const inOrder = (names: string[]) => ['full', ...names.filter((name) => name !== 'full')]

const measurements: Measurement[] = [
  { name: 'tokenise', command: script('tokenise', ...texts.filter((file) => existsSync(file))) },
  {
    name: 'predict',
    command: script(
      'predict',
      '--python',
      python,
      ...(short ? ['--rows', '200', '--steps', '20', '--rounds', '1'] : []),
    ),
  },
  ...(short ? ['t5-nano'] : ['t5-nano', 't5-small']).flatMap((backbone) =>
    TRAINED.map((method) => training(backbone, method)),
  ),
  ...PRECISIONS.flatMap((precision) =>
    inOrder(short ? ['compacter', 'intrinsic-said'] : methods).map((method) => step(method, precision)),
  ),
]

mkdirSync(folder, { recursive: true })
const results = Object.fromEntries(measurements.map((one) => [one.name, measured(one)]))
const page = tables(results as unknown as Results)
if (short) console.log(page)
else writePage(page)

/** Returns what the command printed: from its file, or after running it. */
function measured({ name, command }: Measurement): unknown {
  const file = join(folder!, `${name}.json`)
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  if (kept && JSON.stringify(kept.command) === JSON.stringify(command)) return kept.printed
  console.error(`${new Date().toISOString()} ${name}`)
  const [program, ...args] = command
  const stdout = execFileSync(program!, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 })
  const printed = JSON.parse(stdout.toString())
  const text = `${JSON.stringify({ command, finished: new Date().toISOString(), printed }, null, 2)}\n`
  writeAtomically(file, (fd) => writeFully(fd, Buffer.from(text)))
  return printed
}

/** Puts the tables between the two marks of docs/benchmarks.md. */
function writePage(page: string): void {
  const file = join(packageRoot, 'docs/benchmarks.md')
  const [before, , after] = readFileSync(file, 'utf8').split(/^<!-- (?:measured|end of measured) -->\n/m)
  if (after === undefined) throw new Error(`${file} lacks the marks between which the tables are.`)
  writeFileSync(file, `${before}<!-- measured -->\n\n${page}\n\n<!-- end of measured -->\n${after}`)
}
