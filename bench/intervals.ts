// The differences of docs/results: methods against full fine-tuning, over rows and seeds, corrected over the page.
import { escapeMarkdown, markdownTable } from '../src/base/text/markdown.js'
import { shownP } from '../src/compare/claim.js'
import { compareRuns } from '../src/compare/compare.js'
import { type Comparison, verdictOf } from '../src/compare/pairs.js'
import type { Estimate } from '../src/report/forest.js'
import { shownScore } from '../src/run/compare/spread.js'
import { holm } from '../src/statistics/holm.js'

const LEVEL = 0.95
const BASELINE = 'full'

/** A method against full fine-tuning; `p_corrected` is Holm's over all differences of the page. */
export interface Difference
  extends Pick<Comparison, 'metric' | 'method' | 'scores' | 'difference' | 'interval' | 'p' | 'p_corrected'> {
  /** Where both were trained: a task, or a task and a number of rows. */
  where: string
  verdict: Comparison['verdict']
}

/** The runs of every method at one place. */
export interface Place {
  where: string
  /** Folders of runs, by method; one of the methods is full fine-tuning. */
  runs: Record<string, string[]>
}

/** Compares each method's runs with those of full fine-tuning, place by place. */
export function differences(places: readonly Place[]): Difference[] {
  const found = places.flatMap(({ where, runs }) => {
    const { [BASELINE]: full, ...others } = runs
    const options = { split: 'test', baseline: full![0], level: LEVEL, by: 'method' } as const
    const { comparisons } = compareRuns([...full!, ...Object.values(others).flat()], options)
    return comparisons.map((comparison) => ({ where, ...comparison }))
  })
  const corrected = holm(found.map(({ p }) => p))
  return found.map(({ where, metric, method, scores, difference, interval, p }, i) => {
    const verdict = verdictOf({ metric, difference }, corrected[i]! < 1 - LEVEL)
    return { where, metric, method, scores, difference, interval, p, p_corrected: corrected[i]!, verdict }
  })
}

/** A row for each difference; those that are claimed are bold. */
export function differencesTable(all: readonly Difference[], where: string): string {
  const head = [where, 'score', 'method', "method's", "full's", 'difference', '95 % interval', 'p', 'p, corrected']
  const rows = all.map((each) => {
    const shown = shownScore(each.difference)
    return [
      each.where,
      each.metric,
      escapeMarkdown(each.method),
      ...each.scores.map(shownScore),
      each.verdict === 'none' ? shown : `**${shown}**`,
      each.interval?.map(shownScore).join(' to ') ?? '',
      ...[each.p, each.p_corrected].map((p) => shownP(p).replace('= ', '')),
    ]
  })
  return markdownTable(
    head,
    rows,
    head.map((_, i) => i > 2),
  )
}

/** Says of each method where it is better or worse than full fine-tuning, and where nothing can be said. */
export function verdicts(all: readonly Difference[]): string {
  const methods = [...new Set(all.map(({ method }) => method))]
  return methods
    .map((method) => {
      const own = all.filter((each) => each.method === method)
      const of = (verdict: Difference['verdict']) => own.filter((each) => each.verdict === verdict)
      const places = (some: Difference[]) => some.map(({ where, metric }) => `${where} (${metric})`).join(', ')
      const said = (['better', 'worse'] as const).map((verdict) =>
        of(verdict).length === 0 ? `${verdict} in none` : `${verdict} in ${places(of(verdict))}`,
      )
      const none = `in ${of('none').length} of ${own.length} no difference can be claimed`
      return `- **${method}** is ${said.join('; ')}; ${none}.`
    })
    .join('\n')
}

/** The differences as a forest plot has them. */
export const estimates = (all: readonly Difference[]): Estimate[] =>
  all.flatMap(({ where, metric, method, difference, interval, verdict }) =>
    interval === null
      ? []
      : [
          {
            ...{ label: `${where}, ${metric}: ${method}`, difference },
            ...{ low: interval[0], high: interval[1], claimed: verdict !== 'none' },
          },
        ],
  )
