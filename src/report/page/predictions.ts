import { quoted } from '../../command_line.js'
import { type Confusion, shownLabels } from '../../task/confusion.js'
import type { Report } from '../report.js'
import type { ReportRun } from '../run_files.js'
import { type Predictions, predictionsFile, type WrongRow } from '../wrong_rows.js'
import { table } from './figure.js'
import { html, type Markup } from './html.js'

/** More labels than this make no readable matrix: the commonest mistakes stand for it. */
const MOST_LABELS = 12
const MOST_RUNS = 12
/** Characters of a text that are shown. */
const LONGEST = 400

/** A confusion matrix and the worst rows of every run that has its predictions; what to do about the others. */
export function predicted({ runs, predictions, names }: Report): Markup {
  const own = [...predictions].flatMap(([run, read]) => (typeof read === 'string' ? [] : [[run, read] as const]))
  const shown = own.slice(0, MOST_RUNS)
  const without = runs.filter((run) => run.result && !predictions.has(run))
  return html`${shown.map(([run, read]) => ofRun(names.get(run)!, read))}${
    own.length > shown.length &&
    html`<p class="note">${own.length - shown.length} more runs have predictions; report fewer runs to see them.</p>`
  }${without.length > 0 && howToPredict(without, own.length > 0)}`
}

function howToPredict(without: ReportRun[], some: boolean): Markup {
  const { folder } = without[0]!
  const which = some ? `${without.length} ${without.length === 1 ? 'run has' : 'runs have'} none` : 'No run has any'
  const command = `compacter eval ${quoted(folder)} --predictions ${quoted(predictionsFile(folder))}`
  return html`<p class="note">A run's confusion matrix and worst rows come from its <code>predictions.jsonl</code>. ${which}; this command writes them:</p>
<pre><code>${command}</code></pre>
`
}

function ofRun(name: string, read: Predictions): Markup {
  const { split, note, rows, wrong, damagedLines, confusion, worst, order } = read
  const damaged = damagedLines > 0 ? ` ${damagedLines} lines could not be read.` : ''
  return html`<section class="run"><h3>${name}</h3>
<p class="note">${rows.toLocaleString('en')} ${split ? `${split} rows` : 'rows'}, ${wrong.toLocaleString('en')} wrong.${damaged}${note && ` ${note}`}</p>
${confusion && (confusion.labels.length > MOST_LABELS ? mistakes(name, confusion) : matrix(name, confusion))}${worst.length > 0 && worstRows(name, worst, order)}</section>
`
}

/** Rows are targets; the shade is a cell's share of its row. */
function matrix(name: string, confusion: Confusion): Markup {
  const { counts } = confusion
  const labels = shownLabels(confusion)
  const invalid = counts.some((row) => row.at(-1)! > 0)
  const columns = invalid ? [...labels, 'no label'] : labels
  const cell = (count: number, row: number, column: number) => {
    const total = counts[row]!.reduce((sum, value) => sum + value, 0)
    const share = total === 0 ? 0 : Math.round((100 * count) / total)
    return html`<td class="${row === column ? 'right' : 'wrong'}" style="--share:${share}%"><b>${count.toLocaleString('en')}</b> <small>${share} %</small></td>`
  }
  return html`<div class="scroll" role="region" aria-label="Confusion matrix of ${name}" tabindex="0"><table class="confusion">
<caption>Confusion matrix, shares of a row</caption>
<thead><tr><td></td><th scope="colgroup" colspan="${columns.length}">predicted</th></tr>
<tr><th scope="col">target</th>${columns.map((label) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>
${labels.map((label, row) => html`<tr><th scope="row">${label}</th>${columns.map((_, column) => cell(counts[row]![column]!, row, column))}</tr>\n`)}</tbody>
</table></div>
`
}

function mistakes(name: string, confusion: Confusion): Markup {
  const { counts } = confusion
  const labels = shownLabels(confusion)
  const pairs = counts.flatMap((row, target) =>
    row.flatMap((count, predicted) =>
      count > 0 && predicted !== target
        ? [{ target: labels[target]!, predicted: labels[predicted] ?? 'no label', count }]
        : [],
    ),
  )
  const rows = pairs
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_LABELS)
    .map(({ target, predicted, count }) => [target, predicted, count.toLocaleString('en')])
  const caption = `The commonest mistakes of ${name} among ${labels.length} labels`
  return table(caption, ['target', 'predicted', 'rows'], rows, { numeric: new Set([2]) })
}

function worstRows(name: string, worst: WrongRow[], order: string): Markup {
  const item = ({ row, source, target, prediction, error }: WrongRow) => html`<li value="${row}">
<p class="source" dir="auto">${cut(source)}</p>
<p class="answer"><span class="tag">target</span> <bdi>${cut(target)}</bdi> <span class="tag">predicted</span> <bdi>${cut(prediction)}</bdi>${
    error !== undefined && Number.isFinite(error) && html` <span class="error">by ${error.toPrecision(3)}</span>`
  }</p></li>
`
  return html`<h4>Worst rows</h4>
<p class="note">The first ${worst.length} of those that are wrong, ${order}. Numbers are lines of the file.</p>
<ol class="rows" aria-label="Worst rows of ${name}">
${worst.map(item)}</ol>
`
}

const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text)
