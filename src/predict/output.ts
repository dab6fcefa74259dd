import { once } from 'node:events'
import { INTERRUPTED } from '../base/error.js'
import { openAtomically, writeFully } from '../base/files/atomic.js'
import { checkFree } from '../base/files/free.js'
import { writeError } from '../base/files/write_error.js'
import { withoutControls } from '../base/text/printable.js'
import { STOP_SIGNALS } from '../cli/interrupt.js'
import type { Prediction } from '../engine/model/decoder.js'
import { shownTags } from './tagged_output.js'

/**
 * A run's prediction for a row. Where its task names labels it has the name: null for an output without one; where the
 * prediction is tags it has their words.
 */
export type Answer = Prediction & { labelName?: string | null; words?: readonly string[] }

/** The result of a row: a prediction for each run, or why there is none. */
export type Outcome = { line: number } & ({ predictions: Answer[] } | { problem: string })

/** Receives outcomes in their order. */
export interface Output {
  write(text: string): Promise<void>
  /** Ends the output: a file gets its name only now. */
  finish(): void
  /** Removes an unfinished file. */
  abandon(): void
}

/**
 * Writes to standard output as fast as it is read. Predictions are data: they are written unchanged, even where one
 * equals a password.
 */
export const standardOutput = (): Output => ({
  async write(text) {
    if (!process.stdout.write(withoutControls(text))) await once(process.stdout, 'drain')
  },
  finish() {},
  abandon() {},
})

/**
 * Writes a file that is whole or absent, or writes into a device or a pipe.
 * @throws UserError where the file exists, unless `force`, or cannot be written.
 */
export function fileOutput(path: string, force: boolean): Output {
  checkFree(path, force)
  const file = openAtomically(path, { streams: true })
  const stop = () => {
    file.abandon()
    process.exit(INTERRUPTED)
  }
  for (const signal of STOP_SIGNALS) process.once(signal, stop)
  const settled = () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop)
  }
  return {
    async write(text) {
      try {
        writeFully(file.fd, Buffer.from(text))
      } catch (error) {
        throw writeError(path, error)
      }
    },
    finish() {
      checkFree(path, force) // again: something may have been put there meanwhile
      file.commit()
      settled()
    },
    abandon() {
      file.abandon()
      settled()
    },
  }
}

/**
 * Returns a row as a line of text with tabs: each run's prediction, its name where the task names labels, and its
 * probability where they were ranked; empty where there is no prediction.
 */
export function textLine(outcome: Outcome): string {
  if ('problem' in outcome) return '\n'
  const fields = outcome.predictions.flatMap(({ text, labelName, scores }) => [
    field(text),
    ...(labelName === undefined ? [] : [field(labelName ?? '')]),
    ...(scores ? [probabilities(scores)[text]!.toFixed(4)] : []),
  ])
  return `${fields.join('\t')}\n`
}

const field = (text: string) => text.replace(/[\t\r\n]+/g, ' ')

/**
 * Returns a row as a line of JSON: `{"line", "prediction", "label_name", …}`, or `{"line", "predictions": {run: …}}`
 * for several runs, or `{"line", "error"}`. Tags are as `shownTags` has them.
 */
export function jsonLine(outcome: Outcome, runs: string[]): string {
  const { line } = outcome
  if ('problem' in outcome) return `${JSON.stringify({ line, error: outcome.problem })}\n`
  const shown = outcome.predictions.map(shownPrediction)
  const whole =
    runs.length === 1
      ? { line, ...shown[0] }
      : { line, predictions: Object.fromEntries(runs.map((run, i) => [run, shown[i]])) }
  return `${JSON.stringify(whole)}\n`
}

function shownPrediction(answer: Answer): object {
  const { text, labelName, scores, words } = answer
  if (words) return shownTags(answer, words)
  return {
    prediction: text,
    ...(labelName !== undefined && { label_name: labelName }),
    ...(scores && { scores, probabilities: probabilities(scores) }),
  }
}

/** Turns log-likelihoods in nats into probabilities that add up to 1. */
export function probabilities(scores: Record<string, number>): Record<string, number> {
  const most = Math.max(...Object.values(scores))
  const weights = Object.entries(scores).map(([text, score]) => [text, Math.exp(score - most)] as const)
  const sum = weights.reduce((total, [, weight]) => total + weight, 0)
  return Object.fromEntries(weights.map(([text, weight]) => [text, weight / sum]))
}
