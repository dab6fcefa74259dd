import type { Config, TopLevelSpec } from 'vega-lite'
import { spread } from '../run/compare/spread.js'
import type { LowResourceResults } from '../sweep/run/low_resource.js'
import { bestFirst, scoreMetrics, taskScore } from '../task/metrics/direction.js'
import { type Estimate, forestLayers } from './forest.js'
import { looks, type Mark, markOf, PALETTES, reference } from './tables/marks.js'

/** One method's figures, as the paper's Figure 1 plots them. */
export interface MethodPoint {
  method: string
  /** Trained parameters, in % of the backbone's. */
  share: number
  /** Validation score × 100. */
  score: number
}

/** `score` names the score by which the methods are sorted, best first; the score of a guess is drawn as a line. */
export interface PlotLabels {
  score: string
  title: string
  chance?: { score: number; text: string }
}

const SIZE = { width: 560, height: 320 }
const QUIET = '#5a6470'
/** Names are never cut: the picture grows by the room that they need. */
const CONFIG: Config = { legend: { labelLimit: 0, columns: 1, title: null }, axisY: { labelLimit: 0 } }

const highestFirst = (points: readonly MethodPoint[]) => points.toSorted((a, b) => b.score - a.score)

/** Encodes `names` in a legend, each with its own mark. */
function named(field: string, names: readonly string[]) {
  const marks = names.map((_, i) => markOf(i))
  const by = { field, type: 'nominal', sort: null, title: null } as const
  const domain = [...names]
  return {
    color: { ...by, scale: { domain, range: marks.map(({ colour }) => colour) } },
    shape: { ...by, scale: { domain, range: marks.map(({ shape }) => shape) } },
    strokeDash: { ...by, scale: { domain, range: marks.map(({ dash }) => [...dash]) } },
  }
}

/** Score against trained parameters, on a logarithmic axis, as SVG: up and to the left is better. */
export function scatterPlot(points: readonly MethodPoint[], { score, title, chance }: PlotLabels): Promise<string> {
  const sorted = highestFirst(points)
  const x = {
    field: 'share',
    type: 'quantitative',
    scale: { type: 'log', padding: 12, nice: false },
    axis: { grid: false },
    title: 'trained parameters, % of the backbone',
  } as const
  const y = { field: 'score', type: 'quantitative', scale: { zero: false, padding: 8 }, title: score } as const
  const { color, shape } = named(
    'method',
    sorted.map(({ method }) => method),
  )
  return svg({
    ...SIZE,
    title: titled(title, chance),
    config: CONFIG,
    layer: [
      ...reference(chance?.score, y, QUIET),
      {
        data: { values: sorted },
        mark: { type: 'point', filled: true, size: 90, opacity: 1 },
        encoding: { x, y, color, shape }, // names next to points would cover each other
      },
    ],
  } as TopLevelSpec)
}

const titled = (text: string, chance: PlotLabels['chance']) => (chance ? { text, subtitle: dotted(chance) } : text)

const dotted = ({ score, text }: NonNullable<PlotLabels['chance']>) => `dotted, chance: ${text}: ${score.toFixed(2)}`

/** A bar for each method, best first, as SVG. */
export function barPlot(points: readonly MethodPoint[], { score, title, chance }: PlotLabels): Promise<string> {
  const sorted = highestFirst(points)
  const order = sorted.map(({ method }) => method)
  const y = { field: 'method', type: 'nominal', sort: order, title: null } as const
  const x = { field: 'score', type: 'quantitative', title: score, axis: { grid: false } } as const
  const data = { values: sorted }
  return svg({
    width: SIZE.width,
    height: { step: 24 },
    title: titled(title, chance),
    config: CONFIG,
    layer: [
      { data, mark: { type: 'bar', color: PALETTES.light[0], height: { band: 0.7 } }, encoding: { x, y } },
      {
        data,
        mark: { type: 'text', align: 'left', dx: 4 },
        encoding: { x, y, text: { field: 'score', type: 'quantitative', format: '.2f' } },
      },
      ...(chance
        ? [
            {
              data: { values: [{ at: chance.score }] },
              mark: { type: 'rule', color: QUIET, strokeDash: [1, 3], strokeWidth: 1.5 },
              encoding: { x: { ...x, field: 'at' } },
            },
          ]
        : []),
    ],
  } as TopLevelSpec)
}

/** Moves the methods apart, so that their bars do not cover each other. */
const BESIDE = 1.03

/**
 * Test score (the mean of a task's metrics) against training rows, a line for each method, bars of one standard
 * deviation.
 */
export function curvePlot(results: LowResourceResults): Promise<string> {
  const { backbone, task, steps, seeds, methods, sizes, cells, chance } = results
  const text = `${backbone} on ${task}, ${steps} steps, ${seeds.length} subsets per size`
  const planned = methods.length * sizes.length * seeds.length
  const missing =
    cells.length < planned && `${cells.length} of ${planned} runs are finished; points of fewer are marked`
  const notes = [missing, chance && dotted(chance)].filter((note) => typeof note === 'string')
  const title = notes.length > 0 ? { text, subtitle: notes } : text
  const guess = chance && { score: chance.score, colour: QUIET }
  const layers = curveLayers({ ...results, methods: bestMethods(results), runs: seeds.length }, undefined, guess)
  return svg({ ...SIZE, title, config: CONFIG, ...layers })
}

/** Sorts by the mean validation score over all sizes, best first; methods without a finished run come last. */
function bestMethods({ methods, cells }: LowResourceResults): string[] {
  const better = bestFirst(Object.keys(cells[0]?.validation ?? {}))
  const scored = methods.flatMap((method) => {
    const own = cells.filter((cell) => cell.method === method)
    return own.length === 0 ? [] : [{ method, mean: spread(own.map(({ validation }) => taskScore(validation))).mean }]
  })
  const order = scored.sort((a, b) => better(a.mean, b.mean)).map(({ method }) => method)
  return [...order, ...methods.filter((method) => !order.includes(method))]
}

/** A forest plot of differences, as SVG. */
export const forestPlot = (estimates: readonly Estimate[], title: string, axis: string): Promise<string> =>
  svg({
    width: SIZE.width,
    title,
    config: CONFIG,
    ...forestLayers(estimates, axis, { estimate: PALETTES.light[0], none: QUIET }),
  } as TopLevelSpec)

type Layered = Extract<TopLevelSpec, { layer: unknown }>

/** The data of a low-resource curve. */
export interface Curve {
  methods: string[]
  /** Numbers of training rows, ascending. */
  sizes: number[]
  cells: { method: string; size: number; test: Record<string, number> }[]
  /** The runs of a complete point; a point with fewer says how many. */
  runs: number
}

/**
 * Returns the curve without its size and title. `marks` belong to the methods, whose names are then next to the
 * drawing; without marks the drawing has its own legend.
 */
export function curveLayers(
  { cells, methods, sizes, runs: planned }: Curve,
  marks: readonly Mark[] | undefined,
  chance?: { score: number; colour: string },
): Pick<Layered, 'layer'> {
  const values = methods.flatMap((method, i) =>
    sizes.flatMap((size) => {
      const runs = cells.filter((cell) => cell.method === method && cell.size === size)
      if (runs.length === 0) return []
      const { mean, std } = spread(runs.map(({ test }) => taskScore(test)))
      return [
        {
          method,
          line: i,
          rows: size * BESIDE ** (i - (methods.length - 1) / 2),
          score: mean,
          low: mean - (std ?? 0),
          high: mean + (std ?? 0),
          ...(runs.length < planned && { runs: `${runs.length} of ${planned}` }),
        },
      ]
    }),
  )
  const metrics = scoreMetrics(Object.keys(cells[0]?.test ?? {}))
  const score = metrics.length === 1 ? `test ${metrics[0]}` : `test score, mean of ${metrics.join(' and ')}`
  const x = {
    field: 'rows',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 20 },
    axis: { values: sizes },
    title: 'training rows',
  } as const
  const y = { field: 'score', type: 'quantitative', scale: { zero: false, padding: 8 }, title: score } as const
  const { color, shape, strokeDash } = marks ? looks('line', marks) : named('method', methods)
  const note = {
    transform: [{ filter: 'isValid(datum.runs)' }],
    mark: { type: 'text', align: 'left', dx: 6, dy: 13, fontSize: 10 },
    encoding: { x, y, color, text: { field: 'runs', type: 'nominal' } },
  }
  const layer = [
    { mark: 'line', encoding: { x, y, color, strokeDash } },
    { mark: { type: 'point', filled: true, size: 70, opacity: 1 }, encoding: { x, y, color, shape } },
    {
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { x, color, y: { ...y, field: 'low' }, y2: { field: 'high' } },
    },
    ...['low', 'high'].map((field) => ({
      mark: { type: 'tick', orient: 'horizontal', size: 10 },
      encoding: { x, color, y: { ...y, field } },
    })),
    ...(values.some(({ runs }) => runs) ? [note] : []),
  ]
  return {
    layer: [
      ...reference(chance?.score, y, chance?.colour ?? QUIET),
      ...layer.map((one) => ({ ...one, data: { values } })),
    ],
  } as Pick<Layered, 'layer'>
}

/** Vega is large, so it is loaded when something is drawn. */
export async function svg(spec: TopLevelSpec): Promise<string> {
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}
