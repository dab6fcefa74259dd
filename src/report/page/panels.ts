import type { Group } from '../../run/compare/groups.js'
import { unique } from '../../run/compare/groups.js'
import type { ReportRun } from '../../run/compare/read_run.js'
import { seedValues } from '../../run/compare/settings.js'
import type { Report } from '../report.js'
import { COLOURS, DASHES } from '../tables/marks.js'
import { colour, type Series } from './legend.js'

/** A run as a line of a chart. */
export interface RunSeries extends Series {
  run: ReportRun
  group: Group
}

/** The most lines that can be followed on one chart. */
const MOST_LINES = 10

/** The most lines that are drawn for a task: the best on validation. */
const MOST_RUNS = 64

/**
 * Distributes the runs of a task over charts of at most ten lines, no two of a chart alike. Each method has a colour,
 * and its seeds have different dashes; in a chart with one method, each run has its own colour.
 */
export function panels({ groups, methods, names }: Report, task: string): RunSeries[][] {
  const own = groups.filter((group) => group.task === task)
  const shown = shortened(own)
  const most = evenly(own.length, Math.max(Math.ceil(own.length / COLOURS), Math.ceil(lines(own) / MOST_LINES)))
  const filled: Group[][] = []
  for (const group of own) {
    const panel = [...(filled.at(-1) ?? []), group]
    const fits = panel.length <= most && lines(panel) <= MOST_LINES
    if (fits && panel.every(({ runs }) => runs.length <= DASHES.length)) filled.splice(-1, 1, panel)
    else filled.push([group])
  }
  const colours = (panel: Group[], group: Group) =>
    methods.length <= COLOURS ? methods.indexOf(group.method) : panel.indexOf(group)
  return limited(
    filled.flatMap((panel) => {
      const [first] = panel
      if (panel.length === 1) return inParts(seriesOf(first!, (i) => ({ colour: colour(i), dash: DASHES[0]! })))
      return [
        panel.flatMap((group) => seriesOf(group, (i) => ({ colour: colour(colours(panel, group)), dash: DASHES[i]! }))),
      ]
    }),
  )

  function seriesOf(group: Group, look: (i: number) => Pick<Series['mark'], 'colour' | 'dash'>): RunSeries[] {
    const which = toldApart(group, names)
    return group.runs.map((run, i) => {
      const label = [own.length > 1 ? shown.get(group)! : '', which[i]].filter(Boolean).join(', ')
      return { run, group, label: label || group.method, mark: { ...look(i), shape: 'circle' } }
    })
  }
}

const lines = (groups: Group[]) => groups.reduce((sum, { runs }) => sum + runs.length, 0)

/** Returns the size of equally full charts: 9 methods become 5 and 4. */
const evenly = (count: number, parts: number): number => Math.ceil(count / parts)

function inParts(series: RunSeries[]): RunSeries[][] {
  const most = evenly(series.length, Math.ceil(series.length / COLOURS))
  return Array.from({ length: Math.ceil(series.length / most) }, (_, i) => series.slice(i * most, (i + 1) * most))
}

function limited(all: RunSeries[][]): RunSeries[][] {
  let left = MOST_RUNS
  return all.flatMap((panel) => {
    const kept = panel.slice(0, left)
    left -= kept.length
    return kept.length > 0 ? [kept] : []
  })
}

/**
 * Names groups without the part that all of them share: `learning_rate = 0.001` for `compacter, learning_rate = 0.001`.
 */
export function shortened(groups: readonly Group[]): Map<Group, string> {
  const all = groups.map(({ parts }) => parts)
  const common = all.length > 1 ? all[0]!.filter((part) => all.every((parts) => parts.includes(part))) : []
  const short = all.map((parts) => parts.filter((part) => !common.includes(part)).join(', '))
  const clear = short.every(Boolean) && new Set(short).size === short.length
  return new Map(groups.map((group, i) => [group, clear ? short[i]! : group.method]))
}

/** Returns what distinguishes the runs of a group: their seeds, or their names if the seeds are the same. */
function toldApart({ runs }: Group, names: Report['names']): string[] {
  if (runs.length === 1) return ['']
  const seeds = runs.map(seedValues)
  const differing = unique(seeds.flatMap((own) => [...own.keys()])).filter(
    (key) => unique(seeds.map((own) => own.get(key))).length > 1,
  )
  const shown = seeds.map((own) => differing.map((key) => `${key} = ${own.get(key)}`).join(', '))
  return runs.map((run, i) =>
    shown.filter((other) => other === shown[i]).length > 1
      ? [shown[i], names.get(run)].filter(Boolean).join(', ')
      : shown[i]!,
  )
}
