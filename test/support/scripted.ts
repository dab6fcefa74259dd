import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { chanceOf } from '../../src/engine/evaluate/chance.js'
import { type Evaluated, evaluateSplit } from '../../src/engine/evaluate/evaluate.js'
import type { Decoder } from '../../src/engine/model/decoder.js'
import { closeAll, prepare } from '../../src/engine/train/prepared.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import type { Chance } from '../../src/run/directory.js'
import type { Batch } from '../../src/task/tokens/batches.js'

const TOKENIZER = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')
const EOS = 1

/** A model that puts out exactly what it is taught: its rows' target tokens. */
export const perfect: Decoder = {
  padId: 0,
  async generate(sources, maxLength) {
    const { size, lengths, inputs } = sources as Batch
    return Array.from({ length: size }, (_, row) => {
      const ids = [...inputs.target.subarray(row * lengths.target, (row + 1) * lengths.target)]
      return ids.slice(0, Math.min(ids.lastIndexOf(EOS), maxLength))
    })
  },
  dispose() {},
}

/** A model that answers each source, given without its prompt, as the table says. */
export async function answering(outputs: Record<string, string>): Promise<Decoder> {
  const tokenizer = await loadTokenizer(TOKENIZER)
  return {
    padId: 0,
    async generate({ size, lengths, inputs }, maxLength) {
      const sources = Array.from({ length: size }, (_, row) =>
        tokenizer.decode(inputs.source.subarray(row * lengths.source, (row + 1) * lengths.source)).trim(),
      )
      const encoded = await tokenizer.encode(
        sources.map((source) => outputs[source]!),
        maxLength,
      )
      return encoded.map((ids) => [...ids.slice(0, -1)])
    },
    dispose() {},
  }
}

/** What was said on the way, and what came of it. */
export interface Scored extends Evaluated {
  notes: string[]
  chance: Chance | undefined
}

/**
 * Scores what a model puts out on the rows of a task of one's own, as training would. `rows` are those of every split
 * that has none of its own.
 */
export async function scored(
  folder: string,
  decoder: Decoder,
  task: Record<string, unknown>,
  rows: object[],
  more: { training?: Record<string, unknown>; train?: object[]; test?: object[] } = {},
): Promise<Scored> {
  const file = (name: string, lines: object[], ending = '') => {
    writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join('') + ending)
    return name
  }
  const experiment = {
    name: 'scripted',
    backbone: 't5-nano',
    method: 'bitfit',
    task: {
      name: 'scripted',
      train: file('train.jsonl', more.train ?? rows),
      // empty lines, which are left out: files of the same content are warned of
      validation: file('validation.jsonl', rows, '\n'),
      test: file('test.jsonl', more.test ?? rows, '\n\n'),
      prompt: '{text}',
      ...task,
    },
    training: { steps: 1, warmup_steps: 0, ...more.training },
  }
  const yaml = join(folder, 'scripted.yaml')
  writeFileSync(yaml, JSON.stringify(experiment))
  const notes: string[] = []
  const note = (text: string) => void notes.push(text)
  const progress = { ...silent, note, warn: note }
  const prepared = await prepare(loadExperiment(yaml), progress)
  try {
    const { validation, labels, backbone } = prepared
    const evaluation = { experiment: prepared.experiment, tokenizer: backbone.tokenizer, labels, progress }
    const evaluated = await evaluateSplit(decoder, validation, evaluation)
    return { ...evaluated, notes, chance: await chanceOf(prepared, evaluation) }
  } finally {
    closeAll(prepared)
  }
}
