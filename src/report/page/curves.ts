import type { ColumnChance } from '../../run/compare/chance.js'
import { unique } from '../../run/compare/groups.js'
import type { ReportRun } from '../../run/compare/read_run.js'
import { meanOf } from '../../run/compare/spread.js'
import { chanceNamed, columnChance } from '../chance.js'
import type { Report } from '../report.js'
import { type Line, lineChart } from './charts.js'
import { figure } from './figure.js'
import type { Markup } from './html.js'
import { legend } from './legend.js'
import { panels, type RunSeries } from './panels.js'

interface Curve {
  name: string
  axis: string
  caption: string
  /** Set for scores, which can be guessed. */
  scores?: true
  points: (run: ReportRun, metrics: readonly string[]) => Line['points']
}

const CURVES: Curve[] = [
  {
    name: 'loss',
    axis: 'loss, nats per token',
    caption: 'Training loss, a line per run; long runs show the means of neighbouring steps.',
    points: ({ steps }) => smoothed(steps.map(({ step, loss }) => ({ step, value: loss }))),
  },
  {
    name: 'validation loss',
    axis: 'validation loss, nats per token',
    caption: 'Loss of the validation rows without dropout, at each evaluation.',
    points: ({ evaluations }) =>
      evaluations.flatMap(({ step, loss }) => (loss === undefined ? [] : [{ step, value: loss }])),
  },
  {
    name: 'validation score',
    axis: 'validation score',
    scores: true,
    caption: 'At each evaluation.',
    points: ({ evaluations }, metrics) =>
      evaluations
        .map(({ step, scores }) => ({ step, value: meanOf(scores, metrics) }))
        .filter(({ value }) => Number.isFinite(value)), // an older version logged other metrics
  },
  {
    name: 'learning rate',
    axis: 'learning rate',
    caption: 'At each step, as the schedule sets it.',
    points: ({ steps }) => steps.map(({ step, learning_rate }) => ({ step, value: learning_rate })),
  },
  {
    name: 'gradient norm',
    axis: 'gradient norm',
    caption: 'Before clipping.',
    points: ({ steps }) => smoothed(steps.map(({ step, gradient_norm }) => ({ step, value: gradient_norm }))),
  },
]

/** Returns the charts of every task, in the order of the tasks. */
export async function curves(report: Report): Promise<Markup[]> {
  const tasks = unique(report.groups.map(({ task }) => task))
  const charts = tasks.flatMap((task, i) => {
    const split = panels(report, task)
    const chance = columnChance(report.groups.filter((group) => group.task === task))
    return CURVES.map((curve, j) =>
      chartsOf(split, { task, curve, id: `curve-${i}-${j}`, chance: curve.scores && chance }),
    )
  })
  return (await Promise.all(charts)).flat()
}

/** Draws a curve of a task in as many charts as are needed to distinguish its runs, with the same axes. */
async function chartsOf(
  split: RunSeries[][],
  { task, curve, id, chance }: { task: string; curve: Curve; id: string; chance: ColumnChance | undefined },
): Promise<Markup[]> {
  const drawn = split
    .map((panel) => panel.map((one) => ({ ...one, points: curve.points(one.run, one.group.metrics) })))
    .map((panel) => panel.filter(({ points }) => points.length > 0))
    .filter((panel) => panel.length > 0)
  const lines = drawn.flat()
  if (lines.every(({ points }) => points.length < 2)) return [] // a single evaluation makes no curve
  const points = lines.flatMap(({ points }) => points)
  const values = [...points.map(({ value }) => value), ...(chance ? [chance.validation] : [])]
  const domain = { step: range(points.map(({ step }) => step)), value: range(values) }
  const guess = chance && chanceNamed(chance, chance.validation)
  let before = 0
  return Promise.all(
    drawn.map(async (panel, i) => {
      const first = before + 1
      before += panel.length
      const part = drawn.length > 1 ? `, ${runsNamed(first, before)} of ${lines.length}` : ''
      const axis = curve.scores ? scoreAxis(lines[0]!.group.metrics) : curve.axis
      const drawing = await lineChart(panel, axis, domain, chance?.validation)
      const words = { title: `${task}: ${curve.name}${part}`, description: descriptionOf(panel, curve) }
      const caption = i === 0 ? curve.caption : undefined
      return figure(`${id}-${i}`, drawing, {
        ...words,
        caption,
        legend: legend(lines.length > 1 ? panel : [], 'line', guess),
      })
    }),
  )
}

/** Names the score as in the columns of the tables. */
const scoreAxis = (metrics: readonly string[]) =>
  metrics.length === 1 ? `validation ${metrics[0]}` : `validation, mean of ${metrics.join(' and ')}`

const runsNamed = (first: number, last: number) => (first === last ? `run ${first}` : `runs ${first} to ${last}`)

function descriptionOf(lines: Line[], { name }: Curve): string {
  const [low, high] = range(lines.map(({ points }) => points.at(-1)!.value)).map((value) =>
    Number(value.toPrecision(3)),
  )
  return (
    `${lines.length} ${lines.length === 1 ? 'run' : 'runs'}; the last ${name} is ` +
    `${low === high ? low : `${low} to ${high}`}.`
  )
}

/** Without spreading: a long run has more values than a call can take arguments. */
const range = (values: number[]): [number, number] =>
  values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [values[0]!, values[0]!])

/** Smooths a batch's noisy loss by an exponential moving average over about a fiftieth of the run. */
function smoothed(points: Line['points']): Line['points'] {
  const weight = 1 / Math.max(1, points.length / 50)
  let value = points[0]?.value ?? 0
  return points.map((point) => {
    value += weight * (point.value - value)
    return { step: point.step, value }
  })
}
