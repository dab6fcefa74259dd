import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { z } from 'zod'
import { PRECISIONS, SPLITS, type Split } from '../../base/choices.js'
import { commandLine } from '../../base/command_line.js'
import { writeAtomically, writeFully } from '../../base/files/atomic.js'
import { readJsonFile } from '../../base/files/json_file.js'
import { isStream } from '../../base/files/special_file.js'
import { predictedWithFile, writeJson } from '../../run/directory.js'
import type { EvaluatedRun } from './evaluate_run.js'

const ROWS_A_WRITE = 1000

const sha256 = z.string()
const predictedFile = z.object({
  /** The hash of the predictions file that it is next to. */
  predictions_sha256: sha256,
  split: z.enum(SPLITS),
  runs: z
    .array(
      z.object({
        run: z.string(),
        /** The hash of the file of trained tensors. */
        trained_sha256: sha256,
        backbone_sha256: sha256,
        tokenizer_sha256: sha256,
        /** The hash of the split's files, under its name. */
        data_sha256: z.partialRecord(z.enum(SPLITS), sha256),
        /** If the rows belong to another task or to a file that is not the run's: its name in --task. */
        other_task: z.string().optional(),
        /** The beams of a search for outputs. */
        beams: z.number().optional(),
        /** Of products of matrices; older files leave it out. */
        precision: z.enum(PRECISIONS).default('float32'),
        rows: z.number().nonnegative(),
        /** The labels of a classification, and the one that F1 is for, as outputs are compared with them. */
        classes: z.object({ labels: z.array(z.string()), positive: z.string() }).optional(),
      }),
    )
    .min(1),
})

/** The SHA-256 hashes, in hexadecimal, of what predictions were made with. */
export type PredictedWith = z.infer<typeof predictedFile>

/** A run's answers to the rows of a split, and what they were made with. */
export type Predicted = Pick<
  EvaluatedRun,
  'run' | 'made' | 'otherTask' | 'beams' | 'precision' | 'examples' | 'predictions' | 'classes'
>

/**
 * Writes every row as a line of JSON, in the split's order: `run` where there are several, `row` (line of the file),
 * `source`, `second` (of a pair), `words` (where they have tags), `label` (the label column's value), `target`,
 * `prediction` and, where labels were ranked, `scores`, their log-likelihoods in nats. What they were made with goes
 * into a separate file at the end: until then, the hash in an older one shows that it belongs to other predictions. A
 * device or a pipe gets only the lines.
 */
export function writePredictions(file: string, split: Split, evaluated: readonly Predicted[]): void {
  const hash = createHash('sha256')
  const write = (fd: number) => {
    for (const lines of linesOf(evaluated)) {
      hash.update(lines)
      writeFully(fd, lines)
    }
  }
  writeAtomically(file, write, { streams: true })
  if (isStream(file)) return
  const runs = evaluated.map(({ run, made, otherTask, beams, precision, examples, classes }) => ({
    run,
    ...made,
    ...(otherTask !== undefined && { other_task: otherTask }),
    ...(beams !== undefined && { beams }),
    precision,
    rows: examples.length,
    ...(classes && { classes: { labels: [...classes.labels], positive: classes.positive } }),
  }))
  writeJson(predictedWithFile(file), { predictions_sha256: hash.digest('hex'), split, runs } satisfies PredictedWith)
}

function* linesOf(evaluated: readonly Predicted[]): Generator<Buffer> {
  for (const { run, examples, predictions } of evaluated) {
    const several = evaluated.length > 1 && { run }
    for (let start = 0; start < examples.length; start += ROWS_A_WRITE) {
      const lines = examples
        .slice(start, start + ROWS_A_WRITE)
        .map(({ row, source, second, words, label, ...wanted }, i) => {
          const { target, answers, group } = wanted
          const { text: prediction, scores } = predictions[start + i]!
          const asked = {
            ...several,
            row,
            source,
            ...(second !== undefined && { second }),
            ...(words && { words }),
            ...(label !== '' && { label }),
          }
          return `${JSON.stringify({ ...asked, target, answers, group, prediction, scores })}\n`
        })
      yield Buffer.from(lines.join(''))
    }
  }
}

/** Returns what a predictions file was made with; undefined for one of an earlier version. @throws DamagedFile */
export function readPredictedWith(predictions: string): PredictedWith | undefined {
  const file = predictedWithFile(predictions)
  if (!existsSync(file)) return undefined
  return readJsonFile(file, predictedFile, { remedy: `Write the predictions again with \`${commandLine('eval')}\`.` })
}
