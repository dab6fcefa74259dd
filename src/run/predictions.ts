import { writeAtomically, writeFully } from '../atomic.js'
import type { Evaluated } from '../engine/evaluate.js'

const ROWS_A_WRITE = 1000

/**
 * Every row as a line of JSON, in the split's order: `row` (line of the file), `source`, `target`, `prediction` and, where
 * labels were ranked, `scores`, their log-likelihoods in nats.
 */
export function writePredictions(file: string, { examples, predictions }: Evaluated): void {
  writeAtomically(file, (fd) => {
    for (let start = 0; start < examples.length; start += ROWS_A_WRITE) {
      const lines = examples.slice(start, start + ROWS_A_WRITE).map(({ row, source, target, answers, group }, i) => {
        const { text: prediction, scores } = predictions[start + i]!
        return `${JSON.stringify({ row, source, target, answers, group, prediction, scores })}\n`
      })
      writeFully(fd, Buffer.from(lines.join('')))
    }
  })
}
