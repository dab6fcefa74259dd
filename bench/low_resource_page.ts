// The page and the drawing docs/results/low_resource.{md,svg}, from the figures of bench/low_resource.bench.ts.
import type { TopLevelSpec } from 'vega-lite'
import { markdownTable } from '../src/base/text/markdown.js'
import { svg } from '../src/report/plots.js'
import { PALETTES } from '../src/report/tables/marks.js'
import { shownSpread, spread } from '../src/run/compare/spread.js'
import { type Difference, differencesTable, verdicts } from './intervals.js'

/** A method on so many rows of a task; accuracies in %, one for each seed. */
export interface Trained {
  backbone: string
  task: string
  size: number
  method: string
  rate: number
  /** Validation accuracy of the first seed at each rate. */
  search: { rate: number; validation: number }[]
  validation: number[]
  test: number[]
}

/** What docs/results/low_resource.json holds. */
export interface LowResource {
  device: string
  settings: { steps: number; batch_size: number }
  seeds: number[]
  cells: Trained[]
  differences: Difference[]
}

type Place = Pick<Trained, 'backbone' | 'task' | 'size'>

export const placeOf = ({ backbone, task, size }: Place): string => `${backbone}, ${task}, ${size} rows`

const bySize = (a: Place, b: Place) =>
  a.backbone.localeCompare(b.backbone) || a.task.localeCompare(b.task) || a.size - b.size

function scoresTable({ cells }: LowResource): string {
  const methods = [...new Set(cells.map(({ method }) => method))]
  const sorted = cells.toSorted(bySize)
  const places = [...new Map(sorted.map((cell) => [placeOf(cell), cell])).values()]
  const head = ['backbone', 'task', 'rows', ...methods.flatMap((method) => [method, 'rate'])]
  const rows = places.map((place) => [
    ...[place.backbone, place.task, `${place.size}`],
    ...methods.flatMap((method) => {
      const cell = cells.find((each) => each.method === method && placeOf(each) === placeOf(place))!
      return [shownSpread(spread(cell.test)), `${cell.rate}`]
    }),
  ])
  return markdownTable(
    head,
    rows,
    head.map((_, i) => i > 1),
  )
}

/** Returns the page. */
export function lowResourcePage(results: LowResource): string {
  const { device, settings, seeds, cells, differences } = results
  const order = [...new Set(cells.toSorted(bySize).map(placeOf))]
  const sorted = differences.toSorted((a, b) => order.indexOf(a.where) - order.indexOf(b.where))
  const compacter = differences.filter(({ method }) => method === 'compacter')
  const better = compacter.filter(({ verdict }) => verdict === 'better').length
  const worse = compacter.filter(({ verdict }) => verdict === 'worse').length
  const atAnEnd = cells.filter(({ rate, search }) => rate === search[0]!.rate || rate === search.at(-1)!.rate).length
  return `# Few training rows, measured

The paper says that Compacter does better than full fine-tuning where training rows are few. **Seen here: of
${compacter.length} comparisons, Compacter is better in ${better} and worse in ${worse}; in the others no difference can
be claimed.**

\`npx tsx bench/low_resource.bench.ts FOLDER --glue GLUE\`. ${device}.

Two small backbones, t5-nano (9.4 million parameters, text to text) and bert-nano (5.3 million, a head for two labels);
two tasks, Rotten Tomatoes and SST-2; ${settings.steps} steps of ${settings.batch_size} rows whatever the number of
training rows, the best of two checkpoints on validation. The paper trains t5-base for 1,000 steps of 100 rows. Each
method's learning rate was searched for each backbone, task and number of rows by the same budget: three rates, a third
of one, that one and three times that, with the first seed, by accuracy on validation. Validation and test are whole. A
seed draws the rows, what is initialised, and the order. Test accuracy in %, mean ± sample standard deviation of
${seeds.length} seeds:

${scoresTable(results)}

In ${atAnEnd} of ${cells.length} searches the best rate is the lowest or the highest of the three, so
another one might do better still.

![test accuracy against training rows](low_resource.svg)

## Differences

Against full fine-tuning, intervals over rows and seeds ([compare.md](../compare.md)); p is corrected by Holm over all
${differences.length} comparisons, and bold differences are claimed.

${differencesTable(sorted, 'where')}

${verdicts(sorted)}
`
}

const SIZE = { width: 260, height: 200 }

/** Test accuracy against training rows, a panel for each backbone and task. */
export function lowResourcePlot({ cells, seeds, settings }: LowResource): Promise<string> {
  const values = cells.map((cell) => {
    const { mean, std } = spread(cell.test)
    return { ...cell, mean, low: mean - (std ?? 0), high: mean + (std ?? 0) }
  })
  const methods = [...new Set(cells.map(({ method }) => method))]
  const sizes = [...new Set(cells.map(({ size }) => size))]
  const x = {
    ...{ field: 'size', type: 'quantitative', title: 'training rows', axis: { values: sizes } },
    scale: { type: 'log', nice: false, padding: 12 },
  }
  const y = { type: 'quantitative', title: 'test accuracy, %', scale: { zero: false } }
  const by = { field: 'method', type: 'nominal', title: null, sort: null }
  const color = { ...by, scale: { domain: methods, range: PALETTES.light.slice(0, methods.length) } }
  return svg({
    title: `${settings.steps} steps of ${settings.batch_size} rows, mean ± deviation of ${seeds.length} seeds`,
    data: { values },
    facet: { row: { field: 'backbone', title: null }, column: { field: 'task', title: null } },
    spec: {
      ...SIZE,
      layer: [
        { mark: 'line', encoding: { x, y: { ...y, field: 'mean' }, color } },
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: { x, y: { ...y, field: 'mean' }, color, shape: { ...by, scale: { domain: methods } } },
        },
      ],
    },
    resolve: { scale: { y: 'independent' } },
  } as TopLevelSpec)
}
