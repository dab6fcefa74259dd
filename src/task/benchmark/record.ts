import { column, RowProblem, textOf, type Values } from './benchmark.js'

interface OfficialPassage {
  text: string
  /** Places in code points; `end` is the last one included. */
  entities: { start: number; end: number }[]
}

/** Turns a passage with its queries into the hub's rows, one for each query, without repeated entities and answers. */
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
 * Makes the passage's highlights sentences, and lists each entity and answer once, by code point. `answer` is the first
 * of `answers`: the target of a row that is not trained on, which is scored by all of them.
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

/** Makes each highlight a sentence: the one before it gets a full stop if it lacks an end. */
export function withSentences(passage: string): string {
  return passage.replace(/([.?!"'])\n@highlight\n/g, '$1 ').replaceAll('\n@highlight\n', '. ')
}

/**
 * The parquet's order of entities is that of a Python set, which changes from run to run, so they are sorted by code
 * point.
 */
function distinct(values: Values, name: string): string[] {
  const list = column(values, name)
  if (!Array.isArray(list)) throw new RowProblem(`column '${name}' is not a list.`)
  return [...new Set(list.map(String))].sort(byCodePoint)
}

/** Compares as Python does; JavaScript compares UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) // UTF-8 keeps the order of code points
}
