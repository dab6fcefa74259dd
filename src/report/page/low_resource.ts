import { unique } from '../../run/compare/groups.js'
import { chanceNamed, columnChance } from '../chance.js'
import type { Report } from '../report.js'
import { rowsChart } from './charts.js'
import { figure } from './figure.js'
import type { Markup } from './html.js'
import { legend, pageMark } from './legend.js'

/** Returns a curve for each task that was trained on subsets of at least two sizes. */
export async function lowResource({ groups, methods }: Report): Promise<Markup[]> {
  const cells = groups.flatMap((group) =>
    group.finished.flatMap(({ experiment: { task }, result }) => {
      if (!task.subset) return []
      const test = Object.fromEntries(group.metrics.map((metric) => [metric, result.test[metric]!]))
      return [{ task: task.name, method: group.method, size: task.subset.size, test, group }]
    }),
  )
  const curves = unique(cells.map(({ task }) => task)).map(async (task, i) => {
    const own = cells.filter((cell) => cell.task === task)
    const sizes = unique(own.map(({ size }) => size)).sort((a, b) => a - b)
    if (sizes.length < 2) return []
    const counts = own.map(
      (cell) => own.filter(({ method, size }) => method === cell.method && size === cell.size).length,
    )
    const runs = Math.max(...counts)
    const shown = methods.filter((name) => own.some(({ method }) => method === name))
    const curve = { cells: own, sizes, methods: shown, runs }
    const description = `Mean test score of ${curve.methods.join('; ')} on ${sizes.join(', ')} training rows.`
    const over =
      runs === 1
        ? 'One run per point.'
        : `Mean of ${runs} runs, points of fewer are marked, with bars of one standard deviation.`
    const caption = `${over} Neither axis begins at 0.`
    const series = curve.methods.map((label) => ({ label, mark: pageMark(methods.indexOf(label)) }))
    const chance = columnChance(unique(own.map(({ group }) => group)))
    const marks = series.map(({ mark }) => mark)
    const drawing = await rowsChart(curve, marks, chance?.test)
    const names = legend(series, 'line', chance && chanceNamed(chance, chance.test))
    return [figure(`rows-${i}`, drawing, { title: task, description, caption, legend: names })]
  })
  return (await Promise.all(curves)).flat()
}
