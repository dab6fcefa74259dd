import { column, RowProblem, textOf, type Values } from './benchmark.js'

interface OfficialPassage {
  text: string
  /** Code points, the last one included. */
  entities: { start: number; end: number }[]
}

/** A passage with its queries, as the hub has it: a row a query, its entities and answers each once. */
export function flattenRecord(values: Values): Values[] {
  const { text, entities } = column(values, 'passage') as OfficialPassage
  if (!Array.isArray(entities)) throw new RowProblem("column 'passage' has no entities.")
  const points = [...text]
  const names = entities.map(({ start, end }) => points.slice(start, end + 1).join(''))
  const queries = column(values, 'qas') as { query: string; answers?: { text: string }[] }[]
  return queries.map(({ query, answers = [] }) => ({
    passage: text,
    query,
    entities: names,
    answers: answers.map((answer) => answer.text),
  }))
}

/**
 * The passage's highlights as sentences; entities and answers each once, by code point; `answer`, the first of
 * `answers`, is what a row that is no training row is taught and not scored by.
 */
export function finishRecord(values: Values): Values {
  const answers = distinct(values, 'answers')
  if (answers.length === 0) throw new RowProblem('there is no answer.')
  return {
    passage: withSentences(textOf(values, 'passage')),
    query: textOf(values, 'query'),
    entities: distinct(values, 'entities'),
    answers,
    answer: answers[0],
  }
}

/** A highlight is a sentence of its own: the one before it gets a full stop unless it has an end. */
export function withSentences(passage: string): string {
  return passage.replace(/([.?!"'])\n@highlight\n/g, '$1 ').replaceAll('\n@highlight\n', '. ')
}

/** The parquet's order of entities is a set's, which changes from run to run of Python: ours is by code point. */
function distinct(values: Values, name: string): string[] {
  const list = column(values, name)
  if (!Array.isArray(list)) throw new RowProblem(`column '${name}' is no list.`)
  return [...new Set(list.map(String))].sort(byCodePoint)
}

/** As Python sorts; JavaScript's own order is by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) // UTF-8 keeps the order of code points
}
