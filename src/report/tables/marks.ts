/**
 * Colours of a chart's lines and points, for white and for dark paper. A search chose eight that are as different as
 * possible for normal eyes and all three kinds of colour blindness (test/report/marks.test.ts).
 */
export const PALETTES = {
  light: ['#417cf3', '#ef6505', '#5b199c', '#356977', '#a73204', '#ab88a7', '#111a50', '#581702'],
  dark: ['#a4bbff', '#fe7222', '#9572f7', '#43ac9b', '#c1291b', '#facb39', '#9bfbde', '#1f6a96'],
} as const
export const COLOURS = PALETTES.light.length

/** Dashes that distinguish lines of the same colour. */
export const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
]
const SHAPES: readonly string[] = [
  ...['circle', 'square', 'diamond', 'triangle-up', 'cross', 'triangle-down', 'triangle-right', 'triangle-left'],
]
/** The number of points of which no two look alike. */
export const POINTS = COLOURS * SHAPES.length

/** How a line or a point looks: its colour, and what distinguishes it from others of that colour. */
export interface Mark {
  colour: string
  dash: readonly number[]
  shape: string
}

/** Returns the mark of the name with this index in a chart. */
export function markOf(i: number, colourOf = (i: number): string => PALETTES.light[i % COLOURS]!): Mark {
  const round = Math.floor(i / COLOURS)
  return { colour: colourOf(i), dash: DASHES[round % DASHES.length]!, shape: SHAPES[round % SHAPES.length]! }
}

/** Returns Vega-Lite's encodings of these marks by the number, from 0, that a field holds. */
export function looks(field: string, marks: readonly Mark[]) {
  const domain = marks.map((_, i) => i)
  const by = { field, type: 'nominal', legend: null } as const
  return {
    color: { ...by, scale: { domain, range: marks.map(({ colour }) => colour) } },
    strokeDash: { ...by, scale: { domain, range: marks.map(({ dash }) => [...dash]) } },
    shape: { ...by, scale: { domain, range: marks.map(({ shape }) => shape) } },
  }
}

/** Draws a line across a chart at a height of its y axis: the score of a guess. */
export const reference = (at: number | undefined, y: object, colour: string): object[] =>
  at === undefined
    ? []
    : [
        {
          data: { values: [{ at }] },
          mark: { type: 'rule', color: colour, strokeDash: [1, 3], strokeWidth: 1.5 },
          encoding: { y: { ...y, field: 'at' } },
        },
      ]
