import type { Config, TopLevelSpec } from 'vega-lite'
import { type Curve, curveLayers, svg } from '../plots.js'
import type { Bin } from '../residuals.js'

/** Of a chart without its legend, in px: drawn to fill a phone, enlarged on anything wider. */
const WIDTH = 300
const HEIGHT = 200
/** More methods than this share colours and are told apart by shape too. */
export const COLOURS = 8

/** The page's style sheet gives the colours, so that light, dark and print each have theirs. */
const PALETTE = Array.from({ length: COLOURS }, (_, i) => `var(--series-${i + 1})`)

const CONFIG: Config = {
  aria: false, // the figure around it has a title and a description; a mark is no element of its own
  background: 'transparent',
  font: 'system-ui, sans-serif',
  padding: 2,
  view: { stroke: null },
  axis: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    titleFontWeight: 'normal',
    labelFontSize: 11,
    titleFontSize: 12,
    gridColor: 'var(--rule)',
    domainColor: 'var(--rule)',
    tickColor: 'var(--rule)',
    labelLimit: 130,
    tickCount: 5,
  },
  legend: {
    orient: 'bottom',
    columns: 2,
    labelColor: 'currentColor',
    labelFontSize: 11,
    labelLimit: 130,
    symbolStrokeWidth: 2,
    title: null,
  },
  range: { category: PALETTE },
}

/** `method` is a text that may hold anything: the domain lists all of them, so that each has one colour on every chart. */
const byMethod = (methods: readonly string[]) =>
  ({ field: 'method', type: 'nominal', title: null, scale: { domain: [...methods] } }) as const

const shapes = (methods: readonly string[]) => ({
  ...byMethod(methods),
  scale: {
    domain: [...methods],
    range: methods.map((_, i) => ['circle', 'square', 'diamond', 'triangle-up'][Math.floor(i / COLOURS) % 4]!),
  },
})

/** Characters that half of a chart's width holds, by Vega's estimate without a canvas. */
const SHORT = 14

/** What a sweep tells apart has long names: they take a line each, so that none is cut. */
function withRoom(names: readonly string[]): Config {
  if (names.every((name) => name.length <= SHORT)) return CONFIG
  const labelLimit = 290
  return { ...CONFIG, axisY: { labelLimit }, legend: { ...CONFIG.legend, columns: 1, labelLimit } }
}

const draw = (spec: object, names: readonly string[]): Promise<string> =>
  svg({ width: WIDTH, height: HEIGHT, config: withRoom(names), ...spec } as TopLevelSpec)

export interface Line {
  method: string
  /** Tells apart the lines of one method. */
  run: string
  points: { step: number; value: number }[]
}

/** A line a run over training steps. Points are drawn where there are few: validation scores. */
export function lineChart(lines: Line[], methods: string[], title: string): Promise<string> {
  const values = lines.flatMap(({ method, run, points }) => thinned(points).map((point) => ({ method, run, ...point })))
  const few = lines.every(({ points }) => points.length <= 20)
  const shown = methods.filter((method) => lines.some((line) => line.method === method))
  return draw(
    {
      data: { values },
      mark: {
        type: 'line',
        strokeWidth: 1.5,
        opacity: lines.length > 6 ? 0.7 : 0.9,
        ...(few && { point: { size: 25 } }),
      },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'step', scale: { nice: false } },
        y: { field: 'value', type: 'quantitative', title, scale: { zero: false } },
        color: coloured(shown, methods),
        detail: { field: 'run', type: 'nominal' },
      },
    },
    shown,
  )
}

/** Only what is drawn is in the legend, in the colour that it has everywhere. */
const coloured = (shown: string[], methods: string[]) =>
  ({
    ...byMethod(shown),
    scale: { domain: shown, range: shown.map((method) => PALETTE[methods.indexOf(method) % COLOURS]!) },
  }) as const

/** Points that a line is drawn of at most: a screen shows no more. */
const POINTS = 200

/** Means of neighbours, so that a long run makes no large page. */
export function thinned(points: Line['points']): Line['points'] {
  if (points.length <= POINTS) return points
  return Array.from({ length: POINTS }, (_, i) => {
    const part = points.slice(Math.floor((i * points.length) / POINTS), Math.floor(((i + 1) * points.length) / POINTS))
    const mean = (of: (point: Line['points'][number]) => number) =>
      part.reduce((sum, point) => sum + of(point), 0) / part.length
    return { step: mean(({ step }) => step), value: mean(({ value }) => value) }
  })
}

export interface ScatterPoint {
  method: string
  /** Trained parameters, in % of the backbone's. */
  share: number
  score: number
  low: number
  high: number
}

/** Score against trained parameters, on a logarithmic axis, with bars of one standard deviation. */
export function scatterChart(points: ScatterPoint[], methods: string[], score: string): Promise<string> {
  const shown = methods.filter((method) => points.some((point) => point.method === method))
  const y = { field: 'score', type: 'quantitative', scale: { zero: false, padding: 8 }, title: score }
  return draw(
    {
      data: { values: points },
      encoding: {
        x: {
          field: 'share',
          type: 'quantitative',
          scale: { type: 'log', padding: 12, nice: false },
          axis: { grid: false, tickCount: 4 },
          title: 'trained parameters, % of the backbone',
        },
        color: coloured(shown, methods),
      },
      layer: [
        { mark: { type: 'rule', strokeWidth: 1.5 }, encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } } },
        {
          mark: { type: 'point', filled: true, size: 80, opacity: 1 },
          encoding: { y, shape: shapes(shown) },
        },
      ],
    },
    shown,
  )
}

/** A bar a method. */
export function barChart(bars: { method: string; value: number }[], methods: string[], title: string): Promise<string> {
  const shown = methods.filter((method) => bars.some((bar) => bar.method === method))
  return draw(
    {
      height: { step: 24 },
      data: { values: bars },
      mark: { type: 'bar', height: { band: 0.7 } },
      encoding: {
        y: { field: 'method', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false } },
        x: { field: 'value', type: 'quantitative', title },
        color: { ...coloured(shown, methods), legend: null },
      },
    },
    shown,
  )
}

/** Test score against training rows, as the low-resource grid draws it. */
export function rowsChart(curve: Curve, methods: string[]): Promise<string> {
  const { data, encoding, layer } = curveLayers(curve)
  return draw({ data, encoding: { ...encoding, color: coloured(curve.methods, methods) }, layer }, curve.methods)
}

/** Rows by intervals of a number that have one width, 0 in the middle. */
export function binChart(bins: Bin[], title: string): Promise<string> {
  return draw(
    {
      height: 120,
      data: { values: bins },
      mark: { type: 'bar', color: PALETTE[0], binSpacing: 1 },
      encoding: {
        x: { field: 'from', type: 'quantitative', bin: { binned: true }, title, axis: { grid: false } },
        x2: { field: 'to' },
        y: { field: 'rows', type: 'quantitative', title: 'rows', axis: { tickMinStep: 1, format: 'd' } },
      },
    },
    [],
  )
}
