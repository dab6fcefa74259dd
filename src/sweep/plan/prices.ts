import type { Priced } from '../../measure/price/price.js'
import { methodProblems } from '../../method/options.js'
import type { Cell } from './load.js'
import { type Price, type PriceOptions, priceExperiment, priceOf, reckoned, trainingRows } from './price.js'
import { smallerBackbones } from './smaller.js'

/** What a sweep would cost on a smaller backbone. */
export interface SmallerPrice {
  backbone: string
  estimated_seconds: number
  peak_memory_bytes: number
}

/** The prices of cells, of which those that cost the same share their measured steps. */
export class Prices {
  readonly #priced = new Map<string, Priced>()
  readonly #rows = new Map<string, number | null>()

  /** Kinds of training whose steps were measured. */
  get measured(): number {
    return [...this.#priced.values()].filter((one) => 'costs' in one).length
  }

  /** Takes steps of each kind while `inTime` says that there is time, and counts the rows of every task. */
  async measure(cells: readonly Cell[], options: PriceOptions, inTime: () => boolean): Promise<void> {
    const kinds = new Map(cells.toReversed().map((cell) => [priceOf(cell.experiment), cell]))
    for (const { experiment } of cells) {
      const key = JSON.stringify(experiment.task)
      if (!this.#rows.has(key)) this.#rows.set(key, await trainingRows(experiment.task))
    }
    for (const [kind, { name, experiment }] of [...kinds].toReversed()) {
      if (!inTime()) return
      options.progress.phase(`Pricing training ${this.#priced.size + 1} of ${kinds.size}: ${name}`)
      this.#priced.set(kind, await priceExperiment(experiment, options))
    }
  }

  /** Returns a cell's price, or why it has none; undefined where there was no time for it. */
  of({ experiment }: Cell): Price | { failure: string } | undefined {
    const priced = this.#priced.get(priceOf(experiment))
    if (!priced || 'failure' in priced) return priced
    return reckoned(experiment, priced, this.#rowsOf(experiment))
  }

  /**
   * Reckons what these cells would cost on smaller backbones of the same kind: of the kinds of training that fit there
   * the one that takes longest is measured, and the others cost less in the same proportion. Nothing where the cells'
   * backbones differ or a price is not known.
   */
  async smaller(cells: readonly Cell[], options: PriceOptions): Promise<SmallerPrice[]> {
    if (new Set(cells.map(({ experiment }) => JSON.stringify(experiment.backbone))).size !== 1) return []
    const kinds = this.#longestFirst(cells)
    if (!kinds) return []
    const seconds = kinds.reduce((sum, kind) => sum + kind.seconds, 0)
    const prices: SmallerPrice[] = []
    for (const { name, config } of smallerBackbones(cells[0]!.experiment.backbone)) {
      const longest = kinds.find(({ cell }) => methodProblems(cell.experiment.method, config).length === 0)?.cell
      if (!longest) continue
      options.progress.phase(`Pricing ${longest.name} on ${name}`)
      const priced = await priceExperiment(longest.experiment, options, config)
      if ('failure' in priced) continue
      const own = this.of(longest) as Price
      const there = reckoned(longest.experiment, priced, this.#rowsOf(longest.experiment), config)
      const share = there.estimated_seconds! / own.estimated_seconds!
      prices.push({
        ...{ backbone: name, estimated_seconds: seconds * share },
        peak_memory_bytes: there.peak_memory_bytes,
      })
    }
    return prices
  }

  /** Returns the kinds of training with the seconds of all their cells; undefined where one is not known. */
  #longestFirst(cells: readonly Cell[]): { cell: Cell; seconds: number }[] | undefined {
    const kinds = new Map<string, { cell: Cell; seconds: number }>()
    for (const cell of cells) {
      const price = this.of(cell)
      if (!price || 'failure' in price || price.estimated_seconds === null) return undefined
      const kind = priceOf(cell.experiment)
      const { cell: first = cell, seconds = 0 } = kinds.get(kind) ?? {}
      kinds.set(kind, { cell: first, seconds: seconds + price.estimated_seconds })
    }
    return [...kinds.values()].toSorted((a, b) => b.seconds - a.seconds)
  }

  #rowsOf = ({ task }: Cell['experiment']): number | null => this.#rows.get(JSON.stringify(task)) ?? null
}
