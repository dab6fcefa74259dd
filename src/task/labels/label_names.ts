import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { sameText, written } from './written_form.js'

/** The part of a task that says what its labels are called. */
export interface NamedLabels {
  labels?: Record<string, string> | undefined
  label_names?: Record<string, string> | undefined
}

/** Names for people, by the label's text in the form in which it is compared with outputs. */
export type LabelNames = ReadonlyMap<string, string>

/** Returns a label as people read it, its name first: `positive (1)`. Any other text is returned unchanged. */
export function shownLabel(text: string, names: LabelNames): string {
  const name = names.get(text.trim())
  return name === undefined || name === text.trim() ? text : `${name} (${text.trim()})`
}

/** Returns the names of a task's labels, by the labels as the backbone's tokenizer writes them. */
export async function writtenNames(task: NamedLabels, tokenizer: Tokenizer): Promise<LabelNames> {
  const names = namesOfTargets(task)
  const forms = await written([...names.keys()], tokenizer)
  return new Map(forms.map(({ text, form }) => [form, names.get(text)!]))
}

/** As `writtenNames`, for texts that a tokenizer has written already. */
export function namesAmong(task: NamedLabels, texts: Iterable<string>): LabelNames {
  const seen = new Set(texts)
  return new Map(
    [...namesOfTargets(task)].map(([target, name]) => [
      seen.has(target) ? target : ([...seen].find((text) => sameText(text, target)) ?? target),
      name,
    ]),
  )
}

function namesOfTargets({ labels, label_names = {} }: NamedLabels): Map<string, string> {
  return new Map(
    Object.entries(label_names).flatMap(([value, name]) => {
      const target = targetOf(value, labels)
      return target === undefined ? [] : [[target, name] as const]
    }),
  )
}

/** Returns the target text of a value of the label column; undefined where `labels` does not have it. */
function targetOf(value: string, labels: Record<string, string> | undefined): string | undefined {
  if (labels === undefined) return value
  return Object.hasOwn(labels, value) ? labels[value] : undefined
}

/** A fault of a name, and the value of the label column that has it. */
export interface NameProblem {
  value: string
  problem: string
  remedy: string
}

/**
 * Returns the faults of a task's names: a name for a value that is not a label, two names for one target text, or one
 * name for two. `values` are those that the label column may have, where they are known.
 */
export function namesProblems({ labels, label_names = {} }: NamedLabels, values?: readonly string[]): NameProblem[] {
  const known = values ?? (labels && Object.keys(labels))
  const entries = Object.entries(label_names)
  return entries.flatMap(([value, name], i): NameProblem[] => {
    if (known && !known.includes(value)) {
      const problem = `task.label_names names '${value}', which is not a label.`
      return [{ value, problem, remedy: `Labels: ${known.join(', ')}.` }]
    }
    const target = targetOf(value, labels)
    for (const [other, otherName] of entries.slice(0, i)) {
      const sameTarget = targetOf(other, labels) === target
      if (sameTarget === (otherName.trim() === name.trim())) continue
      const problem = sameTarget
        ? `task.label_names gives the labels ${other} and ${value}, which have the one target text '${target}', ` +
          'two names.'
        : `task.label_names gives the labels ${other} and ${value} the same name '${name.trim()}'.`
      const remedy = sameTarget ? 'Outputs cannot tell them apart: give both one name.' : 'Give each a name of its own.'
      return [{ value, problem, remedy }]
    }
    return []
  })
}

/** Returns a task without the names of its labels, which change nothing that is trained or scored. */
export function withoutNames<T extends object>(task: T): Omit<T, 'label_names'> {
  const { label_names: _, ...rest } = task as T & Pick<NamedLabels, 'label_names'>
  return rest
}
