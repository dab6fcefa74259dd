import type { Range } from '../../base/numbers/range.js'
import { byteSize } from '../../base/text/size.js'
import { summaryOf, unique } from '../../run/compare/groups.js'
import { shownScore, spread } from '../../run/compare/spread.js'
import { shownShare } from '../comparison.js'
import type { Report } from '../report.js'
import { POINTS } from '../tables/marks.js'
import { type ScatterPoint, scatterChart } from './charts.js'
import { peakMemory } from './efficiency.js'
import { figure } from './figure.js'
import type { Markup } from './html.js'
import { legend, pageMark, type Series } from './legend.js'

/**
 * Returns the paper's Figure 1: the average score over all tasks against the trained share, marks as large as the peak
 * memory. Nothing where there is no average, or where all methods are of one size.
 */
export async function averages(report: Report): Promise<Markup[]> {
  const all = pointsOf(report)
  if (unique(all.map(({ share }) => share)).length < 2) return []
  const points = all.slice(0, POINTS)
  const { tasks } = report.comparison
  const drawing = await scatterChart(points, `test score, average of ${tasks.length} tasks`)
  const [best] = points
  const description =
    `${all.length} methods; the best on validation is ${best!.name} with an average of ${shownScore(best!.score)} on ` +
    `test at ${shownShare(best!.range)} % of the backbone's parameters and ${byteSize(best!.memory)} of memory.`
  const left = points.length < all.length ? ` The ${points.length} best on validation of ${all.length}.` : ''
  const mean = points.some(({ range: [least, most] }) => least < most) ? ' Trained shares are means over tasks.' : ''
  const caption = `Up and to the left is better. The area of a mark is the peak memory, a mean over runs.${mean}${left}`
  const title = `Average of ${tasks.length} tasks`
  return [figure('scatter-average', drawing, { title, description, caption, legend: legend(points, 'point') })]
}

type Point = Series & ScatterPoint & { name: string; range: Range; memory: number }

/** Returns the methods that have a score on every task, best on validation first. */
function pointsOf({ groups, comparison, methods }: Report): Point[] {
  const averaged = comparison.rows.filter(({ average }) => average !== undefined)
  return averaged.map(({ method: name, share: range }, i) => {
    const own = groups.filter(({ method, finished }) => method === name && finished.length > 0)
    const score = spread(own.map((group) => summaryOf(group)!.score.mean)).mean
    const share = spread(own.map(({ finished }) => finished[0]!.result.share_percent)).mean
    const memory = spread(own.flatMap(({ finished }) => finished.map(peakMemory))).mean
    const mark = pageMark(methods.length > POINTS ? i : methods.indexOf(name))
    const label = `${name}, ${byteSize(memory)}`
    return { label, name, mark, share, range, score, low: score, high: score, memory }
  })
}
