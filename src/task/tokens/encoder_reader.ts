import { type Template, type TemplateRow, templateRow } from '../../backbone/files/template.js'
import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { assertNever } from '../../base/assert_never.js'
import { choices, choicesRow } from '../../objective/choices.js'
import { labels, labelTarget } from '../../objective/labels.js'
import { number, numberOf, numberTarget } from '../../objective/number.js'
import type { Objective, RowIds } from '../../objective/objective.js'
import type { Answerable } from '../encoded.js'
import type { RowReader, TextRow } from './reader.js'
import { encodeHeads } from './tokenise.js'

/** Ids of targets, such as the bits of a number, may be larger than those of tokens. */
const ANY_ID = Number.MAX_SAFE_INTEGER

/** What an encoder's head learns of a task. `classes` are the texts of its labels, in the order of the head's rows. */
function encoderObjective(task: Answerable, classes: readonly string[], segments: boolean): Objective {
  switch (task.kind) {
    case 'classification':
      return labels(classes.length, segments)
    case 'regression':
      return number(segments)
    case 'multiple_choice':
      return choices(segments)
    default:
      return assertNever(task, 'kind of task')
  }
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
  const row = rowOf(task, classes)
  return {
    objective: encoderObjective(task, classes, segments),
    key: { classes, limit },
    vocabulary: ANY_ID,
    text: textOf(task, classes),
    async read(rows) {
      const texts = rows.flatMap(textsOf)
      const distinct = [...new Set(texts.flat())]
      const heads = await encodeHeads(distinct, (texts) => tokenizer.pieces(texts), limit)
      const places = new Map(distinct.map((text, i) => [text, i]))
      const encoded = texts.map((pair) => {
        const own = pair.map((text) => places.get(text)!)
        const row = templateRow(
          tokenizer.template,
          own.map((i) => heads.ids[i]!),
          limit,
        )
        return own.some((i) => heads.whole[i]! < 0) ? { ...row, whole: -row.whole } : row
      })
      let at = 0
      const made = rows.map((one) => {
        const own = encoded.slice(at, at + textsOf(one).length)
        at += own.length
        return {
          ...row(one, own),
          whole: own.reduce((most, { whole }) => (Math.abs(whole) > Math.abs(most) ? whole : most), 0),
        }
      })
      return {
        source: made.map(({ source }) => source),
        target: made.map(({ target }) => target),
        whole: { source: made.map(({ whole }) => whole), target: made.map(() => 1) },
      }
    },
  }
}

/** Returns the text of a target: a label, a number, or the number of a choice. */
function textOf(task: Answerable, classes: readonly string[]): (target: Int32Array) => string {
  if (task.kind === 'classification') return ([label]) => classes[label!] ?? ''
  if (task.kind === 'regression') return (target) => String(numberOf(target))
  return ([right]) => String(right)
}

/** The texts of a row, each alone or a pair: one, or one for each of its choices. */
function textsOf({ source, second, choices }: TextRow): string[][] {
  if (choices === undefined) return [second === undefined ? [source] : [source, second]]
  return choices.map((choice) => [source, second === undefined ? choice : `${second} ${choice}`])
}

function rowOf(task: Answerable, classes: readonly string[]): (row: TextRow, texts: readonly TemplateRow[]) => RowIds {
  switch (task.kind) {
    case 'classification': {
      const places = new Map(classes.map((text, i) => [text, i]))
      return ({ target }, [text]) => ({
        source: text!.ids,
        target: labelTarget(places.get(target) ?? UNKNOWN, text!.first),
      })
    }
    case 'regression':
      return ({ target }, [text]) => ({ source: text!.ids, target: numberTarget(Number(target), text!.first) })
    case 'multiple_choice':
      return ({ label }, texts) => choicesRow(texts, Number(label))
    default:
      return assertNever(task, 'kind of task')
  }
}

/** A label that the head has no row for. */
const UNKNOWN = -1
