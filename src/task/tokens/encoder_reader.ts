import { type Template, type TemplateRow, templateRow } from '../../backbone/files/template.js'
import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { assertNever } from '../../base/assert_never.js'
import { choices, choicesRow } from '../../objective/choices.js'
import { labels, labelTarget } from '../../objective/labels.js'
import { number, numberOf, numberTarget } from '../../objective/number.js'
import type { Objective, RowIds } from '../../objective/objective.js'
import { tags, tagsTarget, wordsIn } from '../../objective/tags.js'
import type { Answerable } from '../encoded.js'
import { tagsIn } from '../words/tagged.js'
import type { RowReader, TextRow } from './reader.js'
import { encodeHeads } from './tokenise.js'

/** Ids of targets, such as the bits of a number, may be larger than those of tokens. */
const ANY_ID = Number.MAX_SAFE_INTEGER

/** A label that the head has no row for. */
const UNKNOWN = -1

/** A text as a tokenizer gets it: a whole, or its words. */
type Parts = readonly string[]

/** A text or a pair as a row of ids, and how many ids each part of the first text had. */
interface Encoded extends TemplateRow {
  pieces: number[]
}

/** What an encoder's head learns of a task. */
interface Learnt {
  objective: Objective
  /** Whether a text comes in words. */
  inWords?: true
  /** The texts of a row, each alone or a pair. */
  texts(row: TextRow): Parts[][]
  /** The ids of a row whose texts were encoded. */
  ids(row: TextRow, texts: readonly Encoded[]): RowIds
  /** The text of a target. */
  text(target: Int32Array): string
}

/** `classes` are the texts of the task's labels, in the order of the head's rows. */
function learntOf(task: Answerable, classes: readonly string[], segments: boolean): Learnt {
  const places = new Map(classes.map((text, i) => [text, i]))
  const placeOf = (label: string) => places.get(label) ?? UNKNOWN
  switch (task.kind) {
    case 'classification':
      return {
        objective: labels(classes.length, segments),
        texts: (row) => [textOrPair(row)],
        ids: ({ target }, [text]) => ({ source: text!.ids, target: labelTarget(placeOf(target), text!.first) }),
        text: ([label]) => classes[label!] ?? '',
      }
    case 'regression':
      return {
        objective: number(segments),
        texts: (row) => [textOrPair(row)],
        ids: ({ target }, [text]) => ({ source: text!.ids, target: numberTarget(Number(target), text!.first) }),
        text: (target) => String(numberOf(target)),
      }
    case 'multiple_choice':
      return {
        objective: choices(segments),
        texts: ({ source, second, choices = [] }) =>
          choices.map((choice) => [[source], [second === undefined ? choice : `${second} ${choice}`]]),
        ids: ({ label }, texts) => choicesRow(texts, Number(label)),
        text: ([right]) => String(right),
      }
    case 'token_classification':
      return {
        objective: tags(classes.length, segments),
        inWords: true,
        texts: ({ words = [] }) => [[words]],
        ids: ({ target }, [text]) => {
          const tags = tagsIn(target)
          const words = firstPieces(text!).map((place, i) => ({ tag: placeOf(tags[i] ?? ''), place }))
          return { source: text!.ids, target: tagsTarget(words) }
        },
        text: (target) =>
          wordsIn(target)
            .map(({ tag }) => classes[tag] ?? '')
            .join(' '),
      }
    default:
      return assertNever(task, 'kind of task')
  }
}

const textOrPair = ({ source, second }: TextRow): Parts[] => (second === undefined ? [[source]] : [[source], [second]])

/** Where the first id of each part of the first text is; −1 for a part without ids, or beyond the row's end. */
function firstPieces({ pieces, text: { start, end } }: Encoded): number[] {
  let at = start
  return pieces.map((count) => {
    const place = count > 0 && at < end ? at : -1
    at += count
    return place
  })
}

/**
 * Reads the rows of a task for an encoder, of at most `limit` ids each, of a choice each of its texts; `segments` says
 * whether it reads which text of a pair a token is of.
 */
export function encoderReader(
  task: Answerable,
  classes: readonly string[],
  tokenizer: Tokenizer & { template: Template },
  { limit, segments }: { limit: number; segments: boolean },
): RowReader {
  const learnt = learntOf(task, classes, segments)
  const encode = textsEncoder(tokenizer, limit, learnt.inWords ? tokenizer.wordPieces : tokenizer.pieces)
  return {
    objective: learnt.objective,
    key: { classes, limit },
    vocabulary: ANY_ID,
    text: learnt.text,
    async read(rows) {
      const texts = rows.map(learnt.texts)
      const encoded = await encode(texts.flat())
      let at = 0
      const made = rows.map((row, i) => {
        const own = encoded.slice(at, at + texts[i]!.length)
        at += own.length
        const longest = own.reduce((most, { whole }) => (Math.abs(whole) > Math.abs(most) ? whole : most), 0)
        return { ...learnt.ids(row, own), whole: longest }
      })
      return {
        source: made.map(({ source }) => source),
        target: made.map(({ target }) => target),
        whole: { source: made.map(({ whole }) => whole), target: made.map(() => 1) },
      }
    },
  }
}

/** Returns a function that encodes texts and pairs; equal parts go to the tokenizer once. */
function textsEncoder(
  { template }: { template: Template },
  limit: number,
  pieces: Tokenizer['pieces'],
): (texts: Parts[][]) => Promise<Encoded[]> {
  return async (texts) => {
    const distinct = [...new Set(texts.flat(2))]
    const heads = await encodeHeads(distinct, pieces, limit)
    const places = new Map(distinct.map((part, i) => [part, i]))
    const idsOf = (part: string) => heads.ids[places.get(part)!]!
    return texts.map((pair) => {
      const ids = pair.map((parts) => joined(parts.map(idsOf)))
      const row = templateRow(template, ids, limit)
      const isHead = pair.flat().some((part) => heads.whole[places.get(part)!]! < 0)
      return { ...row, whole: isHead ? -row.whole : row.whole, pieces: pair[0]!.map((part) => idsOf(part).length) }
    })
  }
}

function joined(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const ids = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    ids.set(part, at)
    at += part.length
  }
  return ids
}
