import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { assertNever } from '../../base/assert_never.js'
import type { Split } from '../../base/choices.js'
import type { DownloadListener } from '../../hub/snapshot.js'
import type { Example } from '../example.js'
import type { TaskOptions } from '../options.js'
import { LabelMisfit } from '../rows/misfit.js'
import { type Problem, ROWS_SHOWN, rowsError } from '../rows/rows.js'
import { examplesOf, type Source, sourcesOf } from '../rows/source.js'
import { namesProblems } from './label_names.js'
import { type Classification, labelTexts, writtenLabels } from './labels.js'
import { shown, type Told, textsProblem } from './told_apart.js'
import { lostPieces, type Written, written } from './written_form.js'

export interface TargetOptions extends Told, DownloadListener {
  tokenizer: Tokenizer
  /** Called for rows that are used although no output can be exactly right for them. */
  note(text: string): void
}

/** The possible outputs of a task. */
export interface Targets {
  /** For a classification, every label's text in the form in which it is compared with outputs, sorted. */
  labels: string[]
  /** Tokens of the longest label, number or choice, including </s>; 0 for free text. */
  longest: number
}

const BATCH = 2048

/**
 * Reads which outputs the rows of the splits ask for, and checks that the backbone's tokenizer can write them, so that
 * a score says what the model can do and not what its tokenizer lacks. Rows of free text that it cannot write are only
 * reported.
 * @throws LabelMisfit for labels, their names and numbers, and UserError naming the lines for choices: where two are
 *   the same to the tokenizer, or one can never be output and no ranking is asked for.
 */
export async function readTargets(
  task: TaskOptions,
  splits: readonly Split[],
  options: TargetOptions,
): Promise<Targets> {
  switch (task.kind) {
    case 'classification': {
      const texts = await labelTexts(task, splits, options)
      checkNames(task, texts)
      const labels = await writtenLabels(task, texts, options.tokenizer, options)
      return { labels: labels.map(({ form }) => form), longest: longestOf(labels) }
    }
    case 'regression': {
      const texts = await labelTexts(task, splits, options)
      return { labels: [], longest: longestOf(await writtenLabels(task, texts, options.tokenizer, options)) }
    }
    case 'token_classification': // by a head, which has a row for each tag
      return { labels: [], longest: 0 }
    case 'text':
      for (const source of await sourcesOf(task, splits, options)) await noteUnwritable(task, source, options)
      return { labels: [], longest: 0 }
    case 'multiple_choice': {
      let longest = 0
      for (const source of await sourcesOf(task, splits, options))
        longest = Math.max(longest, await checkChoices(task, source, options))
      return { labels: [], longest }
    }
    default:
      return assertNever(task, 'kind of task')
  }
}

/** Checks the names where only the rows show the labels. @throws LabelMisfit for a name of a value that no row has. */
function checkNames(task: Classification, texts: readonly string[]): void {
  const [found] = task.labels ? [] : namesProblems(task, texts)
  if (found) throw new LabelMisfit(['task', 'label_names', found.value], found.problem, found.remedy)
}

/** Returns the number of tokens of the longest text. */
export const longestOf = (texts: readonly Written[]) =>
  texts.reduce((longest, { ids }) => Math.max(longest, ids.length), 0)

/**
 * Returns the tokens of the longest choice. Bad rows are not skipped: which rows are used must not depend on the
 * backbone.
 */
async function checkChoices(task: TaskOptions, source: Source, options: TargetOptions): Promise<number> {
  const problems: Problem[] = []
  let [bad, longest] = [0, 0]
  for await (const { row, texts } of writtenRows(task, source, ({ choices }) => choices!, options)) {
    longest = Math.max(longest, longestOf(texts))
    const found = choicesProblem(texts, options)
    if (found !== undefined && ++bad <= ROWS_SHOWN) problems.push({ line: row, problem: found })
  }
  if (bad > 0) throw rowsError(source.file, problems, bad)
  return longest
}

/** Says in a sentence or two what is wrong with a row's choices. */
export function choicesProblem(choices: readonly Written[], told: Told): string | undefined {
  const found = textsProblem(choices, 'choice', told)
  return found && `${found.problem} ${found.remedy}`
}

/** Reports the rows for which the tokenizer can write none of the right outputs. */
async function noteUnwritable(task: TaskOptions, source: Source, options: TargetOptions): Promise<void> {
  let [rows, lost] = [0, 0]
  let example = ''
  const right = ({ target, answers }: Example) => answers ?? [target]
  for await (const { row, texts } of writtenRows(task, source, right, options)) {
    rows++
    if (texts.some(({ comesBack }) => comesBack)) continue
    if (lost++ === 0) example = `row ${row} loses ${lostPieces(texts[0]!).map(shown).join(' ')}`
  }
  if (lost === 0) return
  const of = `${lost.toLocaleString('en')} of ${rows.toLocaleString('en')} rows`
  options.note(
    `${source.file}: ${of} have a target that the backbone's tokenizer cannot write (${example}): no output is ` +
      'exactly right there.',
  )
}

/** Yields the source's rows with some of their texts as the tokenizer writes them. */
async function* writtenRows(
  task: TaskOptions,
  source: Source,
  textsOf: (example: Example) => string[],
  { tokenizer }: TargetOptions,
): AsyncGenerator<{ row: number; texts: Written[] }> {
  let batch: { row: number; texts: string[] }[] = []
  const flush = async () => {
    const texts = [...new Set(batch.flatMap(({ texts }) => texts))]
    const all = new Map((await written(texts, tokenizer)).map((text) => [text.text, text]))
    const rows = batch.map(({ row, texts }) => ({ row, texts: texts.map((text) => all.get(text)!) }))
    batch = []
    return rows
  }
  for await (const example of examplesOf(task, source)) {
    batch.push({ row: example.row, texts: textsOf(example) })
    if (batch.length === BATCH) yield* await flush()
  }
  yield* await flush()
}
