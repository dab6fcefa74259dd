import { quoted } from '../../base/command_line.js'
import { unique } from '../../run/compare/groups.js'
import type { ReportRun } from '../../run/compare/read_run.js'
import { type Confusion, shownLabels } from '../../task/metrics/confusion.js'
import type { EntityScores } from '../../task/metrics/entities.js'
import type { Report } from '../report.js'
import type { Residuals } from '../residuals.js'
import { type Predictions, predictionsFile, type WrongRow } from '../wrong_rows.js'
import { binChart } from './charts.js'
import { figure, table } from './figure.js'
import { html, type Markup } from './html.js'

type Kind = ReportRun['experiment']['task']['kind']

/** With more labels a matrix is unreadable, and the commonest mistakes are shown instead. */
const MOST_LABELS = 12
const MOST_RUNS = 12
/** The most characters of a text that are shown. */
const LONGEST = 400

/**
 * Shows a confusion matrix and the worst rows of every run that has its predictions, and the commands that write the
 * others'.
 */
export async function predicted({ runs, predictions, names }: Report): Promise<Markup> {
  const own = [...predictions].flatMap(([run, read]) => (typeof read === 'string' ? [] : [[run, read] as const]))
  const shown = own.slice(0, MOST_RUNS)
  const without = runs.filter((run) => run.result && !predictions.has(run))
  const sections = await Promise.all(
    shown.map(([run, read], i) => ofRun(names.get(run)!, run.experiment.task.kind, read, `residuals-${i}`)),
  )
  const more = counted(own.length - shown.length, 'more run has', 'more runs have')
  return html`${sections}${
    own.length > shown.length && html`<p class="note">${more} predictions; report fewer runs to see them.</p>`
  }${without.length > 0 && howToPredict(without, own.length > 0)}`
}

/** The most commands that are listed, since they are alike. */
const MOST_COMMANDS = 5

function howToPredict(without: ReportRun[], some: boolean): Markup {
  const which = some ? `${without.length} ${without.length === 1 ? 'run has' : 'runs have'} none` : 'No run has any'
  const kinds = unique(without.map(({ experiment }) => experiment.task.kind))
  const has = kinds.length === 1 ? SHOWN[kinds[0]!] : 'errors and worst rows'
  const commands = without
    .slice(0, MOST_COMMANDS)
    .map(({ folder }) => `compacter eval ${quoted(folder)} --predictions ${quoted(predictionsFile(folder))}`)
  const writes = commands.length === 1 ? 'this command writes them' : 'these commands write them'
  const others = without.length > commands.length && ', and likewise for the others'
  const file = html`<code>predictions.jsonl</code>`
  return html`<p class="note">A run's ${has} come from its ${file}. ${which}; ${writes}${others}:</p>
<pre><code>${commands.join('\n')}</code></pre>
`
}

/** What is shown of the predictions of each kind of task. */
const SHOWN: Record<Kind, string> = {
  classification: 'confusion matrix and worst rows',
  regression: 'errors and worst rows',
  text: 'wrong rows',
  multiple_choice: 'worst rows',
  token_classification: 'scores of each type of entity and worst rows',
}

async function ofRun(name: string, kind: Kind, read: Predictions, id: string): Promise<Markup> {
  const { split, note, rows, damagedLines, confusion, residuals, entities, worst, order } = read
  const damaged = damagedLines > 0 ? ` ${counted(damagedLines, 'line', 'lines')} could not be read.` : ''
  const all = counted(rows, split ? `${split} row` : 'row', split ? `${split} rows` : 'rows')
  return html`<section class="run"><h3>${name}</h3>
<p class="note">${all}${howWrong(kind, read)}.${damaged}${note && ` ${note}`}</p>
${confusion && (confusion.labels.length > MOST_LABELS ? mistakes(name, confusion) : matrix(name, confusion))}${
  residuals && (await errors(name, residuals, id))
}${entities && ofEntities(name, entities)}${worst.length > 0 && worstRows(name, worst, order)}</section>
`
}

function howWrong(kind: Kind, { rows, wrong, residuals }: Predictions): string {
  if (residuals) {
    const none = rows - residuals.numbers
    if (none === 0) return ''
    const left =
      residuals.numbers > 0
        ? ': the mean errors count that as −1, as the scores do; the other measures leave it out'
        : ''
    return `, of which ${counted(none, 'prediction is not a number', 'predictions are not numbers')}${left}`
  }
  return `, ${wrong.toLocaleString('en')} ${kind === 'text' ? 'not word for word a right answer' : 'wrong'}`
}

/** Shows how far a regression's predictions are off: "95 of 100 are not the exact number" would say nothing. */
async function errors(name: string, residuals: Residuals, id: string): Promise<Markup> {
  const { numbers, mae, rmse, largest, bias, bins } = residuals
  if (numbers === 0) return html``
  const facts = [
    ['mean absolute error', mae],
    ['root mean squared error', rmse],
    ['largest error', largest],
    ['mean of prediction less target', bias],
  ] as const
  const rows = facts.map(([fact, value]) => [fact, shownError(value)])
  const drawing = bins.length > 0 && (await binChart(bins, 'prediction less target'))
  const description = `Errors of ${name}: ${facts.map(([fact, value]) => `${fact} ${shownError(value)}`).join(', ')}.`
  const caption = 'Rows by how far they are off: left of 0 too low, right of it too high.'
  return html`${table(`Errors of ${name}`, ['measure', "in the labels' units"], rows, { numeric: new Set([1]) })}
${drawing && html`<div class="charts">\n${figure(id, drawing, { title: 'Residuals', description, caption })}</div>\n`}`
}

/** Shows the scores of each type of entity. */
function ofEntities(name: string, entities: readonly EntityScores[]): Markup | false {
  if (entities.length === 0) return false
  const rows = entities.map(({ type, precision, recall, f1, wanted, predicted }) => [
    type,
    ...[precision, recall, f1].map((score) => score.toFixed(2)),
    ...[wanted, predicted].map((count) => count.toLocaleString('en')),
  ])
  const heads = ['entity', 'precision', 'recall', 'F1', 'in rows', 'predicted']
  return table(`Entities of ${name}, × 100`, heads, rows, { numeric: new Set([1, 2, 3, 4, 5]) })
}

const shownDistance = (error: number): string => (Number.isInteger(error) ? String(error) : error.toPrecision(3))

/** Returns three digits, whatever the unit. */
const shownError = (value: number): string => Number(value.toPrecision(3)).toString().replace('-', '−')

const counted = (count: number, one: string, many: string) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** Shows targets as rows; the shade is a cell's share of its row. */
function matrix(name: string, confusion: Confusion): Markup {
  const { counts } = confusion
  const labels = shownLabels(confusion)
  const invalid = counts.some((row) => row.at(-1)! > 0)
  const columns = invalid ? [...labels, 'no label'] : labels
  const cell = (count: number, row: number, column: number) => {
    const total = counts[row]!.reduce((sum, value) => sum + value, 0)
    const share = total === 0 ? 0 : Math.round((100 * count) / total)
    const text = html`<b>${count.toLocaleString('en')}</b> <small>${share} %</small>`
    return html`<td class="${row === column ? 'right' : 'wrong'}" style="--share:${share}%">${text}</td>`
  }
  const line = (label: string, row: number) => {
    const cells = columns.map((_, column) => cell(counts[row]![column]!, row, column))
    return html`<tr><th scope="row">${label}</th>${cells}</tr>\n`
  }
  const region = html`role="region" aria-label="Confusion matrix of ${name}" tabindex="0"`
  return html`<div class="scroll" ${region}><table class="confusion">
<caption>Confusion matrix, shares of a row</caption>
<thead><tr><td></td><th scope="colgroup" colspan="${columns.length}">predicted</th></tr>
<tr><th scope="col">target</th>${columns.map((label) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>
${labels.map(line)}</tbody>
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
<p class="answer">${tagged('target', target)} ${tagged('predicted', prediction)}${
    error !== undefined && Number.isFinite(error) && html` <span class="error">by ${shownDistance(error)}</span>`
  }</p></li>
`
  const first = worst.length === 1 ? 'The first' : `The first ${worst.length}`
  return html`<h4>Worst rows</h4>
<p class="note">${first} of those that are wrong, ${order}. Numbers are lines of the file.</p>
<ol class="rows" aria-label="Worst rows of ${name}">
${worst.map(item)}</ol>
`
}

const tagged = (tag: string, text: string) => html`<span class="tag">${tag}</span> <bdi>${cut(text)}</bdi>`

const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text)
