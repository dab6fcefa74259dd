import { writeAtomically, writeFully } from '../atomic.js'
import type { EvaluatedRun } from '../engine/evaluate_run.js'

const ROWS_A_WRITE = 1000

/**
 * Every row as a line of JSON, in the split's order: `run` where there are several, `row` (line of the file), `source`,
 * `label` (the label column's value), `target`, `prediction` and, where labels were ranked, `scores`, their
 * log-likelihoods in nats.
 */
export function writePredictions(file: string, evaluated: EvaluatedRun[]): void {
  writeAtomically(file, (fd) => {
    for (const { run, examples, predictions } of evaluated) {
      const several = evaluated.length > 1 && { run }
      for (let start = 0; start < examples.length; start += ROWS_A_WRITE) {
        const lines = examples.slice(start, start + ROWS_A_WRITE).map(({ row, source, label, ...wanted }, i) => {
          const { target, answers, group } = wanted
          const { text: prediction, scores } = predictions[start + i]!
          const asked = { ...several, row, source, ...(label !== '' && { label }) }
          return `${JSON.stringify({ ...asked, target, answers, group, prediction, scores })}\n`
        })
        writeFully(fd, Buffer.from(lines.join('')))
      }
    }
  })
}
