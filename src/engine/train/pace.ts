import { median } from '../../base/numbers/quantile.js'
import { duration } from '../../cli/terminal.js'

/** Steps that the pace is averaged over. */
const WINDOW = 50

/** The speed of a training run over the last steps, without pauses for evaluation. */
export class Pace {
  #steps: { seconds: number; rows: number }[] = []
  #all: number[] = []
  #last = performance.now()

  /** Excludes the following time from a step until the next step ends. */
  pause(): void {
    this.#last = performance.now()
  }

  step(rows: number): void {
    const now = performance.now()
    const seconds = (now - this.#last) / 1000
    this.#all.push(seconds)
    this.#steps.push({ seconds, rows })
    if (this.#steps.length > WINDOW) this.#steps.shift()
    this.#last = now
  }

  /** Median of all steps, in seconds; undefined before the first. */
  get median(): number | undefined {
    return this.#all.length > 0 ? median(this.#all) : undefined
  }

  /** Returns `step 120 of 600 · loss 0.412 · 251 examples/s · 2 min 40 s left`. */
  line(step: number, steps: number, loss: number): string {
    const seconds = this.#steps.reduce((sum, step) => sum + step.seconds, 0)
    const rows = this.#steps.reduce((sum, step) => sum + step.rows, 0)
    const left = (seconds / this.#steps.length) * (steps - step)
    return (
      `step ${step} of ${steps} · loss ${loss.toFixed(3)} · ${Math.round(rows / seconds)} examples/s · ` +
      `${duration(left)} left`
    )
  }
}
