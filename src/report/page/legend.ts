import { COLOURS, type Mark, markOf } from '../tables/marks.js'
import { html, type Markup } from './html.js'

/** The page's style sheet sets the colours, so that light, dark and print have their own. */
export const colour = (i: number): string => `var(--series-${(i % COLOURS) + 1})`

/** Returns the mark of a method by its index among all methods: the same on every chart. */
export const pageMark = (i: number): Mark => markOf(i, colour)

/** One line or point of a chart, with its full name. */
export interface Series {
  label: string
  mark: Mark
}

/** The colour of the line at the score of a guess. */
export const CHANCE_COLOUR = 'var(--quiet)'

/** Writes the names in HTML, which breaks lines where SVG would cut them. */
export function legend(series: readonly Series[], kind: 'line' | 'point', chance?: string): Markup | undefined {
  if (series.length === 0 && chance === undefined) return undefined
  const drawn = kind === 'line' ? line : point
  const guess = { colour: CHANCE_COLOUR, dash: [1, 3] }
  return html`<ul class="legend">
${series.map(({ label, mark }) => html`<li>${drawn(mark)} <span>${label}</span></li>\n`)}${
  chance !== undefined && html`<li>${line(guess)} <span>${chance}</span></li>\n`
}</ul>
`
}

const line = ({ colour, dash }: Pick<Mark, 'colour' | 'dash'>) => {
  const stroke = html`stroke="${colour}" stroke-width="2" stroke-dasharray="${dash.join(' ')}"`
  return swatch('0 0 26 10', html`<line x1="1" y1="5" x2="25" y2="5" ${stroke}/>`)
}

const point = ({ colour, shape }: Mark) => swatch('-13 -5 26 10', html`<path d="${PATHS[shape]!}" fill="${colour}"/>`)

const swatch = (viewBox: string, drawing: Markup) =>
  html`<svg class="swatch" aria-hidden="true" viewBox="${viewBox}">${drawing}</svg>`

/** Shapes as Vega draws them, around 0. */
const PATHS: Record<string, string> = {
  circle: 'M4,0A4,4,0,1,1,-4,0A4,4,0,1,1,4,0Z',
  square: 'M-4,-4H4V4H-4Z',
  diamond: 'M0,-5L4,0L0,5L-4,0Z',
  'triangle-up': 'M0,-4L4.5,4H-4.5Z',
  'triangle-down': 'M0,4L4.5,-4H-4.5Z',
  'triangle-right': 'M4,0L-4,4.5V-4.5Z',
  'triangle-left': 'M-4,0L4,4.5V-4.5Z',
  cross: 'M-1.5,-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z',
}
