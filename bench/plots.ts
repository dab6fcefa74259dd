import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

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
    x: { field: 'share', type: 'quantitative', scale: { type: 'log' }, title: 'trained parameters, % of the backbone' },
    y: { field: 'score', type: 'quantitative', scale: { zero: false }, title: score },
  } as const
  return svg({
    ...SIZE,
    title,
    data: { values: points },
    layer: [
      { mark: { type: 'point', filled: true, size: 70 }, encoding: position },
      {
        mark: { type: 'text', align: 'left', dx: 7, dy: -5, fontSize: 10 },
        encoding: { ...position, text: { field: 'method' } },
      },
    ],
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

const svg = (spec: TopLevelSpec): Promise<string> => new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
