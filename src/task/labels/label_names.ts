import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { sameText, written } from './written_form.js'

/** What of a task tells its labels' names. */
export interface NamedLabels {
  labels?: Record<string, string> | undefined
  label_names?: Record<string, string> | undefined
}

/** Names for people by a label's text, as it is compared with outputs. */
export type LabelNames = ReadonlyMap<string, string>

/** A label as people read it, its name first: `positive (1)`. Any other text stays as it is. */
export function shownLabel(text: string, names: LabelNames): string {
  const name = names.get(text.trim())
  return name === undefined || name === text.trim() ? text : `${name} (${text.trim()})`
}

/** The names of a task's labels in the form in which the backbone's tokenizer writes the labels. */
export async function writtenNames(task: NamedLabels, tokenizer: Tokenizer): Promise<LabelNames> {
  const names = namesOfTargets(task)
  const forms = await written([...names.keys()], tokenizer)
  return new Map(forms.map(({ text, form }) => [form, names.get(text)!]))
}

/** As `writtenNames`, of texts that a tokenizer has written already. */
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

/** The target text of a value of the label column; undefined where `labels` does not have it. */
function targetOf(value: string, labels: Record<string, string> | undefined): string | undefined {
  if (labels === undefined) return value
  return Object.hasOwn(labels, value) ? labels[value] : undefined
}

/** What is wrong with a name, and the value of the label column that has it. */
export interface NameProblem {
  value: string
  problem: string
  remedy: string
}

/**
 * What is wrong with the names of a task: one for a value that is no label, two for one target text, or one for two of them.
 * `values`: those that the label column may have, where they are known.
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
        ? `task.label_names gives the labels ${other} and ${value}, which have the one target text '${target}', two names.`
        : `task.label_names gives the labels ${other} and ${value} the same name '${name.trim()}'.`
      const remedy = sameTarget ? 'Outputs cannot tell them apart: give both one name.' : 'Give each a name of its own.'
      return [{ value, problem, remedy }]
    }
    return []
  })
}

/** A task without the names of its labels, which change nothing that is trained or scored. */
export function withoutNames<T extends object>(task: T): Omit<T, 'label_names'> {
  const { label_names: _, ...rest } = task as T & Pick<NamedLabels, 'label_names'>
  return rest
}
