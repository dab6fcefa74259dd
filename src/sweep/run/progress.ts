import { mean } from '../../base/numbers/mean.js'
import type { Progress } from '../../base/progress.js'
import { duration } from '../../cli/terminal.js'
import type { Said } from '../../engine/apart/child.js'

/**
 * Draws cells that run at once. A cell has one line when it begins and one when it ends, whatever its phases. A warning
 * that every cell gives is shown once, for the first of them.
 */
export class Board {
  readonly #progress: Progress
  readonly #several: boolean
  /** The newest state of each running cell. */
  readonly #newest = new Map<string, string>()
  readonly #phases = new Map<string, string>()
  readonly #warned = new Set<string>()
  /** Whether every cell that ended was finished. */
  #finished = true

  constructor(progress: Progress, jobs: number) {
    this.#progress = progress
    this.#several = jobs > 1
    if (this.#several) progress.phase(`${jobs} cells at once`)
  }

  begin(cell: string, line: string): void {
    this.#newest.set(cell, 'starting')
    if (this.#several) this.#progress.note(line)
    else this.#progress.phase(line)
  }

  said(cell: string, kind: Exclude<Said['kind'], 'answer'>, text: string): void {
    if (kind === 'warn') {
      const warning = text.replaceAll(cell, '')
      if (!this.#warned.has(warning)) this.#progress.warn(`${cell}: ${text}`)
      this.#warned.add(warning)
      return
    }
    if (kind === 'phase') this.#phases.set(cell, text)
    this.#newest.set(cell, kind === 'phase' ? text : `${this.#phases.get(cell)} · ${text}`)
    const lines = [...this.#newest].map(([name, newest]) => (this.#several ? `${name}: ${newest}` : newest))
    this.#progress.update(lines.join(' | '))
  }

  ended(cell: string, { text, warning, finished }: { text: string; warning: boolean; finished: boolean }): void {
    this.#newest.delete(cell)
    this.#phases.delete(cell)
    this.#finished &&= finished
    if (!this.#several && !finished) this.#progress.stop()
    if (warning) this.#progress.warn(text)
    else this.#progress.note(text)
  }

  close(): void {
    if (this.#finished) this.#progress.end()
    else this.#progress.stop()
  }
}

/** Estimates how long the remaining cells will take, from finished cells of the same kind. */
export class TimeLeft {
  readonly #jobs: number
  readonly #seconds = new Map<string, number[]>()

  /** `jobs` is the number of cells that run at once. */
  constructor(jobs: number) {
    this.#jobs = jobs
  }

  took(kind: string, seconds: number): void {
    this.#seconds.set(kind, [...(this.#seconds.get(kind) ?? []), seconds])
  }

  /** Returns `, about 12 min 5 s left` for remaining cells of these kinds; nothing while no cell is finished. */
  line(left: string[]): string {
    const all = [...this.#seconds.values()].flat()
    if (all.length === 0) return ''
    const seconds = left.reduce((sum, kind) => sum + mean(this.#seconds.get(kind) ?? all), 0)
    return `, about ${duration(seconds / this.#jobs)} left`
  }
}
