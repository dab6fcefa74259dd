import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { SPLITS } from '../../src/base/choices.js'
import { UserError } from '../../src/base/error.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { readExperiment } from '../../src/experiment/load/load.js'
import { uncached } from '../../src/experiment/uncached.js'
import { openTorchFile } from '../../src/format/torch/read.js'
import { writeReport } from '../../src/report/write.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { toldAtItsKey } from '../../src/task/rows/misfit.js'
import { checkHead } from '../../src/task/rows/rows.js'
import { readSplit, sourceOf } from '../../src/task/rows/source.js'
import { readTable } from '../../src/task/rows/table.js'
import type { Kind } from './inputs.js'

/** Reads an input as the commands do that are given such a file, to its end. */
export function enter(kind: Kind, folder: string): Promise<void> {
  return entries[kind](folder)
}

/** As `config validate` and `config show`. */
async function experiment(folder: string): Promise<void> {
  const { experiment, locate } = readExperiment(join(folder, 'trial.yaml'))
  if ((await uncached(experiment)).includes('task')) return
  await toldAtItsKey(locate, async () => {
    for (const split of SPLITS) {
      const source = await sourceOf(experiment.task, split)
      await checkHead(experiment.task, source.file, source.rows())
    }
  })
}

/** As a training reads its rows. */
const rows =
  (ending: string) =>
  async (folder: string): Promise<void> => {
    const columns =
      ending === 'parquet' ? { prompt: '{text}', label: 'word' } : { prompt: '{text} {options}', label: 'label' }
    const task = { ...columns, metrics: ['accuracy'], on_bad_row: 'skip', name: 'mine' }
    const files = Object.fromEntries(SPLITS.map((split) => [split, `rows.${ending}`]))
    writeFileSync(
      join(folder, 'trial.yaml'),
      JSON.stringify({
        backbone: 't5-nano',
        method: 'compacter',
        task: { ...task, ...files },
        training: { steps: 1, learning_rate: 0.1 },
      }),
    )
    const { experiment, locate } = readExperiment(join(folder, 'trial.yaml'))
    for await (const _ of readTable(join(folder, `rows.${ending}`))); // whatever its columns are
    await toldAtItsKey(locate, async () => void (await readSplit(experiment.task, 'train')))
  }

/** As everything does that runs a backbone. */
async function backbone(folder: string): Promise<void> {
  const opened = openBackbone(folder)
  try {
    for (const name of opened.names()) opened.read(name)
    opened.hash()
  } finally {
    opened.close()
  }
  const tokenizer = await loadTokenizer(join(folder, 'tokenizer.json'))
  const texts = ['a b  c', 'ﷺ ｶﾞ é\u0301 🙂 </s> <pad>', '', '\0\ud800', 'x'.repeat(5000), ' a'.repeat(2000)]
  for (const row of await tokenizer.encode(texts, 64)) tokenizer.decode(row)
  texts.map((text) => tokenizer.normalise(text))
}

/** As `report` and `eval` open a run. */
async function run(folder: string): Promise<void> {
  await writeReport([join(folder, 'run')], { format: 'markdown', out: undefined, force: false })
  openSafetensors(openTrainedRun(join(folder, 'run')).tensors).close()
}

/** As `import` reads it. */
async function torchFile(folder: string): Promise<void> {
  const file = openTorchFile(join(folder, 'state.bin'))
  try {
    for (const { read } of file.tensors.values()) readable(read)
  } finally {
    file.close()
  }
}

/** A tensor of another type than those that are read leaves the others. */
function readable(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
}

const entries: Record<Kind, (folder: string) => Promise<void>> = {
  ...{
    experiment,
    run,
    config: backbone,
    tokenizer: backbone,
    safetensors: backbone,
    zip: torchFile,
    pickle: torchFile,
  },
  ...{ csv: rows('csv'), tsv: rows('tsv'), jsonl: rows('jsonl'), json: rows('json'), parquet: rows('parquet') },
}
