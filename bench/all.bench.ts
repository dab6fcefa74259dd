// Measures everything that docs/benchmarks.md says of us beside PyTorch and the paper, in two hours on a quiet machine:
// steps of every method preset on t5-base's dimensions and of an encoder's, whole trainings, predictions, tokenising.
//   npm run docs:benchmarks -- FOLDER --python PYTHON --glue FOLDER [--only NAME …] [--short]
// Each measurement is a file in FOLDER, and one that is there with the same command is not repeated: stopped, it goes
// on where it was. --only measures those whose names begin so. The page has what is there, and says what is not.
// --short takes minutes, with t5-nano and a step or two: it shows that every part works, and prints the tables instead
// of writing the page.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PRECISIONS } from '../src/base/choices.js'
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
    only: { type: 'string', multiple: true, default: [''] },
    short: { type: 'boolean', default: false },
  },
})
const [folder] = positionals
const { python, glue, only, short } = flags
if (!folder || !python || !glue)
  throw new Error('Name the folder of the results, --python with torch, transformers and peft, --glue with MRPC.')

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
      : ['--batch', '8', '--source-length', '128', '--steps', '4', '--repetitions', '1']),
  ),
})

/** Steps of an encoder with a head for two labels. */
const encoderStep = (length: string, precision: string): Measurement => ({
  name: `encoder-step-${precision}-${length}`,
  command: compacter(
    ...['bench', '--json', '--backbone', short ? 'bert-nano' : 'bert-base-uncased', '--against', 'torch'],
    ...['--method', 'compacter', '--method', 'lora', '--python', python, '--precision', precision],
    ...(short ? ['--batch', '2', '--steps', '1'] : ['--batch', '32', '--steps', '4']),
    ...['--source-length', length, '--repetitions', '1'],
  ),
})

/** Compacter on two tasks; with a larger backbone's dimensions and random weights, some steps of MRPC. */
const training = (backbone: string, steps?: string): Measurement => ({
  name: `training-${backbone}`,
  command: script(
    'training',
    ...['--backbone', backbone, '--method', 'compacter', '--python', python, '--glue', glue, '--rounds', '1'],
    ...(steps ? ['--task', 'mrpc', '--steps', steps] : []),
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
  ...PRECISIONS.map((precision) => ({
    name: `predict-${precision}`,
    command: script(
      'predict',
      ...['--python', python, '--precision', precision, '--rounds', '1'],
      ...(short ? ['--rows', '200', '--steps', '20'] : []),
    ),
  })),
  ...(short
    ? [training('t5-nano', '24'), training('bert-nano', '24')]
    : [training('t5-nano'), training('bert-nano'), training('t5-small', '40'), training('bert-base-uncased', '24')]),
  ...PRECISIONS.flatMap((precision) =>
    (short ? ['16'] : ['64', '128']).map((length) => encoderStep(length, precision)),
  ),
  ...PRECISIONS.flatMap((precision) =>
    inOrder(short ? ['compacter', 'intrinsic-said'] : methods).map((method) => step(method, precision)),
  ),
]

mkdirSync(folder, { recursive: true })
for (const one of measurements)
  if (only.some((name) => one.name.startsWith(name)) && known(one) === undefined) measure(one)
const results = Object.fromEntries(
  measurements.flatMap((one) => {
    const printed = known(one)
    return printed === undefined ? [] : [[one.name, printed]]
  }),
)
const missing = measurements.map(({ name }) => name).filter((name) => !(name in results))
const page = tables(results as unknown as Results, missing)
if (short) console.log(page)
else writePage(page)

/** Returns what the command printed, from its file. */
function known({ name, command }: Measurement): unknown {
  const file = join(folder!, `${name}.json`)
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  return kept && JSON.stringify(kept.command) === JSON.stringify(command) ? kept.printed : undefined
}

function measure({ name, command }: Measurement): void {
  console.error(`${new Date().toISOString()} ${name}`)
  const [program, ...args] = command
  const stdout = execFileSync(program!, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 })
  const printed = JSON.parse(stdout.toString())
  const text = `${JSON.stringify({ command, finished: new Date().toISOString(), printed }, null, 2)}\n`
  writeAtomically(join(folder!, `${name}.json`), (fd) => writeFully(fd, Buffer.from(text)))
}

/** Puts the tables between the two marks of docs/benchmarks.md. */
function writePage(page: string): void {
  const file = join(packageRoot, 'docs/benchmarks.md')
  const [before, , after] = readFileSync(file, 'utf8').split(/^<!-- (?:measured|end of measured) -->\n/m)
  if (after === undefined) throw new Error(`${file} lacks the marks between which the tables are.`)
  writeFileSync(file, `${before}<!-- measured -->\n\n${page}\n\n<!-- end of measured -->\n${after}`)
}
