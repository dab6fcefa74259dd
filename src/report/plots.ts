import type { TopLevelSpec } from 'vega-lite'
import type { LowResourceResults } from '../sweep/low_resource.js'
import { spread } from '../sweep/spread.js'
import { taskScore } from '../task/direction.js'

/** One method's figures: what the paper's Figure 1 plots. */
export interface MethodPoint {
  method: string
  /** Trained parameters, in % of the backbone's. */
  share: number
  /** Validation score × 100. */
  score: number
}

const SIZE = { width: 560, height: 320 }

/** Score against trained parameters, on a logarithmic axis, as SVG: up and to the left is better. */
export function scatterPlot(
  points: MethodPoint[],
  { score, title }: { score: string; title: string },
): Promise<string> {
  const position = {
    x: {
      field: 'share',
      type: 'quantitative',
      scale: { type: 'log', padding: 12 },
      title: 'trained parameters, % of the backbone',
    },
    y: { field: 'score', type: 'quantitative', scale: { zero: false }, title: score },
  } as const
  const by = { field: 'method', type: 'nominal', sort: null, title: null } as const
  return svg({
    ...SIZE,
    title,
    data: { values: points },
    mark: { type: 'point', filled: true, size: 90, opacity: 0.85 },
    encoding: { ...position, color: { ...by, scale: { scheme: 'tableau20' } }, shape: by }, // names beside points would cover each other
  })
}

/** A bar a method, in the order given, as SVG. */
export function barPlot(points: MethodPoint[], { score, title }: { score: string; title: string }): Promise<string> {
  return svg({
    ...SIZE,
    title,
    data: { values: points },
    mark: 'bar',
    encoding: {
      y: { field: 'method', type: 'nominal', sort: null, title: null },
      x: { field: 'score', type: 'quantitative', title: score },
    },
  })
}

/** Methods stand beside each other, so that their bars do not cover each other. */
const BESIDE = 1.03

/** Test score (the mean of a task's metrics) against training rows, a line a method, bars of one standard deviation. */
export function curvePlot(results: LowResourceResults): Promise<string> {
  const { backbone, task, steps, seeds, methods, sizes, cells } = results
  const text = `${backbone} on ${task}, ${steps} steps, ${seeds.length} subsets a size`
  const planned = methods.length * sizes.length * seeds.length
  const missing =
    cells.length < planned && `${cells.length} of ${planned} runs are finished; points of fewer are marked`
  const title = missing ? { text, subtitle: missing } : text
  return svg({ ...SIZE, title, ...curveLayers({ ...results, runs: seeds.length }) })
}

type Layered = Extract<TopLevelSpec, { layer: unknown }>

/** What a low-resource curve is drawn of. */
export interface Curve {
  methods: string[]
  /** Training rows, ascending. */
  sizes: number[]
  cells: { method: string; size: number; test: Record<string, number> }[]
  /** Runs that a point has; one that has fewer says how many. */
  runs: number
}

/** The curve without its size and title. */
export function curveLayers({
  cells,
  methods,
  sizes,
  runs: planned,
}: Curve): Pick<Layered, 'data' | 'encoding' | 'layer'> {
  const values = methods.flatMap((method, i) =>
    sizes.flatMap((size) => {
      const runs = cells.filter((cell) => cell.method === method && cell.size === size)
      if (runs.length === 0) return []
      const { mean, std } = spread(runs.map(({ test }) => taskScore(test)))
      return [
        {
          method,
          rows: size * BESIDE ** (i - (methods.length - 1) / 2),
          score: mean,
          low: mean - (std ?? 0),
          high: mean + (std ?? 0),
          ...(runs.length < planned && { runs: `${runs.length} of ${planned}` }),
        },
      ]
    }),
  )
  const metrics = Object.keys(cells[0]?.test ?? {})
  const score = metrics.length === 1 ? `test ${metrics[0]}` : `test score, mean of ${metrics.join(' and ')}`
  const x = {
    field: 'rows',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 20 },
    axis: { values: sizes },
    title: 'training rows',
  } as const
  const y = { field: 'score', type: 'quantitative', scale: { zero: false }, title: score } as const
  const color = { field: 'method', type: 'nominal', sort: null, title: null } as const
  const note: Layered['layer'][number] = {
    transform: [{ filter: 'isValid(datum.runs)' }],
    mark: { type: 'text', align: 'left', dx: 6, dy: 13, fontSize: 10 },
    encoding: { y, text: { field: 'runs', type: 'nominal' } },
  }
  return {
    data: { values },
    encoding: { x, color },
    layer: [
      { mark: 'line', encoding: { y } },
      { mark: { type: 'point', filled: true, size: 70 }, encoding: { y } },
      { mark: { type: 'rule', strokeWidth: 1.5 }, encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } } },
      { mark: { type: 'tick', orient: 'horizontal', size: 10 }, encoding: { y: { ...y, field: 'low' } } },
      { mark: { type: 'tick', orient: 'horizontal', size: 10 }, encoding: { y: { ...y, field: 'high' } } },
      ...(values.some(({ runs }) => runs) ? [note] : []),
    ],
  }
}

/** Vega is large: loaded when something is drawn. */
export async function svg(spec: TopLevelSpec): Promise<string> {
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}
