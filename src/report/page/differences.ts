import { existsSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { countedUnits, shownLevel } from '../../compare/claim.js'
import { type Comparisons, compareRuns } from '../../compare/compare.js'
import { type Group, unique } from '../../run/compare/groups.js'
import { runFiles } from '../../run/directory.js'
import { unitsOf } from '../../task/metrics/direction.js'
import type { Report } from '../report.js'
import { forestChart } from './charts.js'
import { figure } from './figure.js'
import { html, type Markup } from './html.js'
import { shortened } from './panels.js'

const LEVEL = 0.95
/** The most methods that are compared with the best one of a task. */
const MOST = 16

/** Returns for each task a forest plot of its methods against the best on validation, if their runs have answers. */
export async function differences({ groups }: Report): Promise<Markup[]> {
  const tasks = unique(groups.map(({ task }) => task))
  const figures = tasks.map(async (task, i) => {
    const all = groups.filter((group) => group.task === task) // the best on validation first
    const answered = all.filter(hasAnswers)
    const own = answered.slice(0, MOST + 1)
    if (own.length < 2) return []
    const found = comparedOrWhy(own)
    if (typeof found === 'string') return [html`<p class="note">${task}: not compared. ${found}</p>\n`]
    const ofAll = own[0] === all[0] ? 'the best on validation' : 'the best on validation of those with answers'
    const left = own.length < answered.length ? ` The ${own.length} best on validation of ${answered.length}.` : ''
    const drawn = { own, found, note: `${ofAll}.${left}` }
    return Promise.all(own[0]!.metrics.map((metric, j) => forest(drawn, metric, `forest-${i}-${j}`)))
  })
  return (await Promise.all(figures)).flat()
}

const hasAnswers = ({ finished }: Group): boolean =>
  finished.length > 0 && finished.every(({ folder }) => existsSync(runFiles(folder).testPredictions))

/** Answers to other rows, or of other tensors, do not stop a report. */
function comparedOrWhy(own: readonly Group[]): Comparisons | string {
  const [baseline, ...folders] = own.flatMap(({ finished }) => finished.map(({ folder }) => folder))
  try {
    const metrics = own[0]!.metrics
    return compareRuns(folders, { baseline, split: 'test', metrics, level: LEVEL, by: 'method' })
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

/** The compared groups of a task, the best first, what was found, and which best that is. */
interface Drawn {
  own: readonly Group[]
  found: Comparisons
  note: string
}

async function forest({ own, found, note }: Drawn, metric: string, id: string): Promise<Markup> {
  const names = shortened([...own])
  const [best, ...others] = own.map((group) => names.get(group)!)
  const comparisons = found.comparisons.filter((each) => each.metric === metric)
  const estimates = comparisons.flatMap(({ difference, interval, verdict }, i) =>
    interval === null
      ? []
      : [{ label: others[i]!, difference, low: interval[0], high: interval[1], claimed: verdict !== 'none' }],
  )
  const drawing = await forestChart(estimates, `${metric}, minus that of ${best}`)
  const title = `${own[0]!.task}: ${metric} against ${best}`
  const several = found.methods.some(({ runs }) => runs.length > 1) ? ' and seeds' : ''
  const caption =
    `Differences on test ${unitsOf([metric])}, with ${shownLevel(found.level)} intervals over ${countedUnits(found)}` +
    `${several}. A filled point is a difference after Holm's correction; ${best} is ${note}`
  return figure(id, drawing, { title, description: comparisons.map(({ claim }) => claim).join(' '), caption })
}
