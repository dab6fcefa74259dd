import type { Config, TopLevelSpec } from 'vega-lite'
import { type Estimate, forestLayers } from '../forest.js'
import { type Curve, curveLayers, svg } from '../plots.js'
import type { Bin } from '../residuals.js'
import { looks, type Mark, reference } from '../tables/marks.js'
import { CHANCE_COLOUR, colour } from './legend.js'

/** The width of a chart in px: it fills a phone, and is enlarged on wider screens. */
const WIDTH = 300
const HEIGHT = 200

const CONFIG: Config = {
  aria: false, // the figure around it has a title and a description; single marks need none
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
}

const draw = (spec: object): Promise<string> =>
  svg({ width: WIDTH, height: HEIGHT, config: CONFIG, ...spec } as TopLevelSpec)

export interface Line {
  mark: Mark
  points: { step: number; value: number }[]
}

/** Least and greatest values, shared by charts that are compared. */
export interface Domain {
  step: [number, number]
  value: [number, number]
}

/**
 * A line for each run over training steps, and the score of a guess. Points are drawn where there are few: validation
 * scores.
 */
export function lineChart(lines: Line[], title: string, domain: Domain, chance?: number): Promise<string> {
  const values = lines.flatMap(({ points }, line) => thinned(points).map((point) => ({ line, ...point })))
  const { color, strokeDash } = looks(
    'line',
    lines.map(({ mark }) => mark),
  )
  const few = lines.every(({ points }) => points.length <= 20)
  const y = { field: 'value', type: 'quantitative', title, scale: { zero: false, domain: domain.value, nice: true } }
  return draw({
    layer: [
      ...reference(chance, y, CHANCE_COLOUR),
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 1.75, ...(few && { point: { size: 25 } }) },
        encoding: {
          x: { field: 'step', type: 'quantitative', title: 'step', scale: { nice: false, domain: domain.step } },
          y,
          color,
          strokeDash,
        },
      },
    ],
  })
}

/** The most points of a line: a screen shows no more. */
const POINTS = 200

/** Averages neighbouring points, so that a long run does not make the page large. */
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
  mark: Mark
  /** Trained parameters, in % of the backbone's. */
  share: number
  score: number
  low: number
  high: number
  /** Peak memory in bytes, where marks are as large as that; then all points have it. */
  memory?: number
}

/** The area in px² of marks that are all alike, and of that with the most memory. */
const AREA = { alike: 80, most: 600 }

/**
 * Score against trained parameters, on a logarithmic axis, with bars of one standard deviation; marks have an area in
 * proportion to the memory where it is known.
 */
export function scatterChart(points: ScatterPoint[], score: string, chance?: number): Promise<string> {
  const y = { field: 'score', type: 'quantitative', scale: { zero: false, padding: 8 }, title: score }
  const marks = points.map(({ mark }) => mark)
  const { color, shape } = looks('point', marks)
  const x = {
    field: 'share',
    type: 'quantitative',
    scale: { type: 'log', padding: 12, nice: false },
    axis: { grid: false, tickCount: 4 },
    title: 'trained parameters, % of the backbone',
  }
  const values = points.map(({ mark: _, ...point }, i) => ({ point: i, ...point }))
  const most = Math.max(...points.map(({ memory = 0 }) => memory))
  const area = { domain: [0, most], range: [0, AREA.most] }
  const order = { field: 'memory', sort: 'descending' } // small marks are drawn over large ones
  const sized = most > 0 && { size: { field: 'memory', type: 'quantitative', legend: null, scale: area }, order }
  return draw({
    layer: [
      ...reference(chance, y, CHANCE_COLOUR),
      {
        data: { values },
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { x, color, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: AREA.alike, opacity: sized ? 0.8 : 1 },
        encoding: { x, color, y, shape, ...sized },
      },
    ],
  })
}

/** A forest plot of differences. */
export const forestChart = (estimates: readonly Estimate[], title: string): Promise<string> =>
  draw(forestLayers(estimates, title, { estimate: colour(0), none: CHANCE_COLOUR }))

/** Test score against training rows, as in the plot of a low-resource grid. */
export function rowsChart(curve: Curve, marks: readonly Mark[], chance?: number): Promise<string> {
  return draw(curveLayers(curve, marks, chance === undefined ? undefined : { score: chance, colour: CHANCE_COLOUR }))
}

/** Numbers of rows in intervals of equal width, with 0 in the middle. */
export function binChart(bins: Bin[], title: string): Promise<string> {
  return draw({
    height: 120,
    data: { values: bins },
    mark: { type: 'bar', color: colour(0), binSpacing: 1 },
    encoding: {
      x: { field: 'from', type: 'quantitative', bin: { binned: true }, title, axis: { grid: false } },
      x2: { field: 'to' },
      y: { field: 'rows', type: 'quantitative', title: 'rows', axis: { tickMinStep: 1, format: 'd' } },
    },
  })
}
