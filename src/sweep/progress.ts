import type { Progress } from '../progress.js'
import { duration } from '../terminal.js'

/** A cell's progress within its grid's: every phase says which cell it belongs to. */
export function cellProgress(progress: Progress, cell: string): Progress {
  return {
    phase: (text) => progress.phase(`${cell}: ${text}`),
    update: (text) => progress.update(text),
    note: (text) => progress.note(text),
    warn: warnOnce(progress),
    end: () => progress.end(),
  }
}

/** A warning that every cell gives is given once a grid. */
function warnOnce(progress: Progress): (text: string) => void {
  const known = warned.get(progress) ?? new Set()
  warned.set(progress, known)
  return (text) => {
    if (!known.has(text)) progress.warn(text)
    known.add(text)
  }
}

const warned = new WeakMap<Progress, Set<string>>()

/** Estimates how long the cells that are left will take, from those of their kind that are done. */
export class TimeLeft<Axes> {
  readonly #kind: (axes: Axes) => string
  readonly #seconds = new Map<string, number[]>()

  constructor(kind: (axes: Axes) => string) {
    this.#kind = kind
  }

  took(axes: Axes, seconds: number): void {
    const kind = this.#kind(axes)
    this.#seconds.set(kind, [...(this.#seconds.get(kind) ?? []), seconds])
  }

  /** `, about 12 min 5 s left` for these cells, nothing while no cell is done. */
  line(left: Axes[]): string {
    const all = [...this.#seconds.values()].flat()
    if (all.length === 0) return ''
    const seconds = left.reduce((sum, axes) => sum + mean(this.#seconds.get(this.#kind(axes)) ?? all), 0)
    return `, about ${duration(seconds)} left`
  }
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
