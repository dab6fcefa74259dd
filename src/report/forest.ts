/** A difference of two scores, and its interval. */
export interface Estimate {
  label: string
  difference: number
  low: number
  high: number
  /** Whether the difference is claimed. */
  claimed: boolean
}

/** The colours of the intervals and of the line where there is no difference. */
interface Inks {
  estimate: string
  none: string
}

/**
 * Returns Vega-Lite's height and layers of a forest plot: differences with their intervals, one below the other, and a
 * line where there is none. A filled point is a difference that is claimed.
 */
export function forestLayers(estimates: readonly Estimate[], title: string, inks: Inks) {
  const y = {
    field: 'place',
    type: 'nominal',
    title: null,
    scale: { domain: estimates.map((_, i) => i) },
    axis: {
      grid: false,
      ticks: false,
      labelExpr: `${JSON.stringify(estimates.map(({ label }) => label))}[datum.value]`,
    },
  }
  const x = { type: 'quantitative', title, scale: { zero: true, padding: 8 } }
  const ink = { color: inks.estimate }
  return {
    height: 30 + 26 * estimates.length,
    data: { values: estimates.map((estimate, place) => ({ place, ...estimate })) },
    layer: [
      {
        mark: { type: 'rule', color: inks.none, strokeDash: [1, 3], strokeWidth: 1.5 },
        encoding: { x: { datum: 0 } },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5, ...ink },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
      ...[true, false].map((claimed) => ({
        transform: [{ filter: `datum.claimed === ${claimed}` }],
        mark: { type: 'point', size: 70, strokeWidth: 1.5, opacity: 1, filled: claimed, ...ink },
        encoding: { y, x: { ...x, field: 'difference' } },
      })),
    ],
  }
}
