import { shownRange } from '../../base/numbers/range.js'
import { type Group, summaryOf, unique } from '../../run/compare/groups.js'
import { shownScore, shownSpread } from '../../run/compare/spread.js'
import { lowerScoreIsBetter } from '../../task/metrics/direction.js'
import { chanceNamed } from '../chance.js'
import { type Cell, CHOSEN, comparisonNote, shownShare } from '../comparison.js'
import type { Report } from '../report.js'
import { POINTS } from '../tables/marks.js'
import { scatterChart } from './charts.js'
import { breakable, figure, table } from './figure.js'
import { html, type Markup } from './html.js'
import { legend, pageMark } from './legend.js'
import { shortened } from './panels.js'

/** Shows methods × tasks, then every metric of each task. */
export function results({ comparison, groups, cautions }: Report): Markup {
  const { tasks, rows, runs, averaged } = comparison
  if (rows.length === 0) return html`<p>No run has been trained to its end, so there are no scores.</p>`
  const cell = (value: (Omit<Cell, 'runs'> & Partial<Pick<Cell, 'runs'>>) | undefined) => {
    if (!value) return '–'
    const count = runs === undefined && value.runs !== undefined ? ` (${value.runs})` : ''
    const test = value.best ? html`<strong>${value.text}</strong> ${CHOSEN}` : value.text
    return html`${test}${count} <small>validation ${value.validation}</small>`
  }
  const head = [
    'method',
    'trained',
    'of the backbone',
    ...tasks.map(({ name, metrics }) => html`${breakable(name)} <small>${metrics.join(', ')}</small>`),
    ...(averaged ? ['average'] : []),
  ]
  const body = rows.map(({ method, trained, share, cells, average }) => [
    method,
    shownRange(trained, (count) => count.toLocaleString('en')),
    `${shownShare(share)} %`,
    ...cells.map(cell),
    ...(averaged ? [cell(average)] : []),
  ])
  return html`${cautions.map((text) => html`<p class="caution"><strong>Caution.</strong> ${text}</p>\n`)}
${table('Test scores', head, body, { numeric: columnsFrom(1, head.length) })}
<p class="note">${comparisonNote(comparison)}</p>
${tasks.filter(({ metrics }) => metrics.length > 1).map(({ name }) => everyMetric(name, groups))}`
}

/** Shows the metrics of a task with several; the table above has their mean. */
function everyMetric(task: string, groups: readonly Group[]): Markup {
  const summaries = groups.flatMap((group) => {
    const summary = group.task === task ? summaryOf(group) : undefined
    return summary ? [{ method: group.method, ...summary }] : []
  })
  const metrics = unique(summaries.flatMap(({ test }) => Object.keys(test)))
  const head = [
    'method',
    ...(['validation', 'test'] as const).flatMap((split) => metrics.map((name) => `${split} ${name}`)),
  ]
  const body = summaries.map(({ method, validation, test }) => [
    method,
    ...[validation, test].flatMap((split) => metrics.map((name) => (split[name] ? shownSpread(split[name]) : '–'))),
  ])
  return table(`Every metric of ${task}`, head, body, { numeric: columnsFrom(1, head.length) })
}

const columnsFrom = (first: number, end: number) => new Set(Array.from({ length: end - first }, (_, i) => first + i))

/** Returns a chart for each task that has methods of at least two sizes. */
export async function scatters({ groups, comparison, methods }: Report): Promise<Markup[]> {
  const charts = comparison.tasks.map(async ({ name, metrics, chance }, i) => {
    const own = groups.filter((group) => group.task === name && group.finished.length > 0)
    if (unique(own.map(({ finished }) => finished[0]!.result.share_percent)).length < 2) return []
    const names = shortened(own)
    const points = own.slice(0, POINTS).map((group) => {
      const { mean, std } = summaryOf(group)!.score
      const { share_percent: share } = group.finished[0]!.result
      const mark = pageMark(methods.length > POINTS ? own.indexOf(group) : methods.indexOf(group.method))
      return { label: names.get(group)!, mark, share, score: mean, low: mean - (std ?? 0), high: mean + (std ?? 0) }
    })
    const drawing = await scatterChart(points, `test ${metrics.join(', ')}`, chance?.test)
    const guess = chance && chanceNamed(chance, chance.test)
    const [best] = points // groups are sorted by this task's validation scores
    const description =
      `${own.length} methods; the best on validation is ${best!.label} with ` +
      `${shownScore(best!.score)} on test at ${best!.share.toPrecision(3)} % of the backbone's parameters.`
    const left = points.length < own.length ? ` The ${points.length} best on validation of ${own.length}.` : ''
    const caption = `${lowerScoreIsBetter(metrics) ? 'Down' : 'Up'} and to the left is better.${left}`
    return [
      figure(`scatter-${i}`, drawing, { title: name, description, caption, legend: legend(points, 'point', guess) }),
    ]
  })
  return (await Promise.all(charts)).flat()
}
