import { spread } from '../../sweep/spread.js'
import { unique } from '../groups.js'
import type { Report } from '../report.js'
import type { ReportRun } from '../run_files.js'
import { type Line, lineChart } from './charts.js'
import { figure } from './figure.js'
import type { Markup } from './html.js'

interface Curve {
  name: string
  axis: string
  caption: string
  points: (run: ReportRun) => Line['points']
}

const CURVES: Curve[] = [
  {
    name: 'loss',
    axis: 'loss, nats a token',
    caption: 'Training loss, a line a run; of long runs the means of neighbouring steps.',
    points: ({ steps }) => smoothed(steps.map(({ step, loss }) => ({ step, value: loss }))),
  },
  {
    name: 'validation score',
    axis: 'validation score',
    caption: "The mean of the task's metrics, at each evaluation.",
    points: ({ evaluations }) =>
      evaluations.map(({ step, scores }) => ({ step, value: spread(Object.values(scores)).mean })),
  },
  {
    name: 'learning rate',
    axis: 'learning rate',
    caption: 'Of each step, as the schedule has it.',
    points: ({ steps }) => steps.map(({ step, learning_rate }) => ({ step, value: learning_rate })),
  },
  {
    name: 'gradient norm',
    axis: 'gradient norm',
    caption: 'Before clipping.',
    points: ({ steps }) => smoothed(steps.map(({ step, gradient_norm }) => ({ step, value: gradient_norm }))),
  },
]

/** Charts of every task, in the order of the tasks. */
export async function curves(report: Report): Promise<Markup[]> {
  const tasks = unique(report.groups.map(({ task }) => task))
  const charts = tasks.flatMap((task, i) => CURVES.map((curve, j) => chart(report, task, curve, `curve-${i}-${j}`)))
  return (await Promise.all(charts)).flat()
}

async function chart({ groups, methods, names }: Report, task: string, curve: Curve, id: string): Promise<Markup[]> {
  const lines = groups
    .filter((group) => group.task === task)
    .flatMap(({ method, runs }) => runs.map((run) => ({ method, run: names.get(run)!, points: curve.points(run) })))
    .filter(({ points }) => points.length > 0)
  if (lines.every(({ points }) => points.length < 2)) return [] // one evaluation is no curve
  const last = lines.map(({ points }) => points.at(-1)!.value)
  const [low, high] = [Math.min(...last), Math.max(...last)].map((value) => Number(value.toPrecision(3)))
  const description = `${lines.length} ${lines.length === 1 ? 'run' : 'runs'}; the last ${curve.name} is ${low === high ? low : `${low} to ${high}`}.`
  const title = `${task}: ${curve.name}`
  return [figure(id, await lineChart(lines, methods, curve.axis), { title, description, caption: curve.caption })]
}

/** A batch's loss is noisy: an exponential moving average over about a fiftieth of the run. */
function smoothed(points: Line['points']): Line['points'] {
  const weight = 1 / Math.max(1, points.length / 50)
  let value = points[0]?.value ?? 0
  return points.map((point) => {
    value += weight * (point.value - value)
    return { step: point.step, value }
  })
}
