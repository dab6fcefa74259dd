import type { Head } from '../backbone/family.js'
import { assertNever } from '../base/assert_never.js'
import { choices, choicesRow } from './choices.js'
import { labels, labelTarget } from './labels.js'
import { number, numberTarget } from './number.js'
import type { Objective, RowIds } from './objective.js'
import { tags, tagsTarget } from './tags.js'

/**
 * What a head learns on a backbone that reads segments or not, and rows for trials: ids as the source of row `i`, with
 * a target that the head can have.
 */
export function objectiveOf(
  { kind, labels: count }: Head,
  segments: boolean,
): {
  objective: Objective
  row(ids: Int32Array, i: number): RowIds
} {
  switch (kind) {
    case 'choice':
      return {
        objective: choices(segments),
        row: (ids, i) =>
          choicesRow(
            [ids, ids.toReversed()].map((ids) => ({ ids, first: 1 })),
            i % 2,
          ),
      }
    case 'sequence':
      return count === 1
        ? { objective: number(segments), row: (source, i) => ({ source, target: numberTarget(i / 4, 1) }) }
        : { objective: labels(count, segments), row: (source, i) => ({ source, target: labelTarget(i % count, 1) }) }
    case 'tokens': {
      const words = (ids: Int32Array, i: number) =>
        Array.from(ids, (_, place) => ({ tag: (i + place) % count, place })).filter(({ place }) => place % 3 < 2)
      return { objective: tags(count, segments), row: (ids, i) => ({ source: ids, target: tagsTarget(words(ids, i)) }) }
    }
    default:
      return assertNever(kind, 'kind of head')
  }
}
