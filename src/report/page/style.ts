import { PALETTES } from '../tables/marks.js'

const series = (colours: readonly string[]) => colours.map((colour, i) => `--series-${i + 1}: ${colour};`).join(' ')

/** Sizes are in rem and colours are variables: light, dark and print differ only in those. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --quiet: #5a6470; --rule: #d9dee4; --panel: #f5f7f9; --link: #0b5cad;
  --right: 0, 130, 90; --wrong: 205, 70, 20;
  ${series(PALETTES.light)}
}
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --ink: #e6e9ed; --quiet: #a0aab5; --rule: #363e48; --panel: #1d2329; --link: #7db8f5;
  --right: 40, 190, 140; --wrong: 240, 120, 70;
  ${series(PALETTES.dark)}
} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: break-word; }
header, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
h4 { font-size: .9rem; margin: 1rem 0 .25rem; }
main > section { border-top: 1px solid var(--rule); margin-top: 2rem; padding-top: 1.25rem; }
p { margin: 0 0 .75rem; max-width: 48rem; }
a { color: var(--link); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0; padding: 0; }
nav a { display: inline-block; padding: .25rem 0; }
.lead { color: var(--quiet); }
.note, figcaption, caption, footer { color: var(--quiet); font-size: .875rem; }
.caution { border-left: 4px solid rgb(var(--wrong)); padding: .25rem .75rem; background: var(--panel); }
.tag { color: var(--quiet); font-size: .8125rem; }
.scroll { overflow-x: auto; margin: 0 0 .75rem; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { padding: .375rem .75rem .375rem 0; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--rule); }
thead th { font-weight: 600; vertical-align: bottom; }
thead small { display: block; font-weight: normal; color: var(--quiet); }
tbody th { font-weight: 500; min-width: 7rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
td.number small { display: block; color: var(--quiet); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.25rem 2rem; }
figure { margin: 0; min-width: 0; }
figure h3 { margin: 0 0 .25rem; }
figure svg { display: block; width: 100%; height: auto; max-width: 30rem; }
figcaption { margin-top: .25rem; }
.legend { list-style: none; margin: .25rem 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .125rem 1rem; font-size: .8125rem; max-width: 30rem; }
.legend li { display: flex; gap: .375rem; align-items: baseline; min-width: 0; overflow-wrap: anywhere; }
figure .swatch { flex: none; width: 1.625rem; height: .625rem; }
td.bar { min-width: 9rem; }
td.bar::before { content: ''; display: block; height: .5rem; width: var(--share); min-width: 1px;
  background: var(--series-1); }
.confusion th, .confusion td { padding: .375rem .75rem; border: 1px solid var(--rule); }
.confusion thead td { border: 0; }
.confusion tbody td { text-align: right; background: rgba(var(--shade), calc(var(--share) / 1.6)); }
.confusion .right { --shade: var(--right); }
.confusion .wrong { --shade: var(--wrong); }
.run + .run { margin-top: 2rem; }
.rows { padding-left: 3.25rem; margin: 0 0 1rem; }
.rows li { border-bottom: 1px solid var(--rule); padding: .375rem 0; }
.rows li::marker { color: var(--quiet); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.rows p { margin: 0; max-width: none; }
.answer bdi { font-weight: 600; margin-right: .75rem; }
.error { color: var(--quiet); font-size: .8125rem; }
.facts h4 { margin-top: .5rem; font-weight: 500; }
dl { margin: 0 0 .75rem; font-size: .875rem; }
dl div { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .75rem; padding: .125rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
details { border-bottom: 1px solid var(--rule); padding: .375rem 0; }
summary { cursor: pointer; }
pre { background: var(--panel); padding: .75rem; overflow-x: auto; font-size: .8125rem; line-height: 1.45; }
code { font-family: ui-monospace, monospace; }
:not(pre) > code { font-size: .875em; overflow-wrap: anywhere; }
.left-out { padding-left: 1.25rem; }
footer { padding-top: 2rem; padding-bottom: 2rem; }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --panel: #f5f7f9; --link: #000;
    --right: 0, 130, 90; --wrong: 205, 70, 20;
    ${series(PALETTES.light)}
  }
  @page { margin: 16mm; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  nav { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding-right: .5rem; }
  tbody th { min-width: 0; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure, tr, .rows li, .facts { break-inside: avoid; }
  h2, h3, h4, caption { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; display: block; }
  pre { white-space: pre-wrap; font-size: 7.5pt; }
  details pre { columns: 2; }
}
`
