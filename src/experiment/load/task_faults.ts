import { isMapping, type Mapping } from '../../base/yaml/merge.js'
import { promptColumns } from '../../task/example.js'
import { namesProblems } from '../../task/labels/label_names.js'
import { type TagMetric, unfitTag, unfitTagWords } from '../../task/metrics/entities.js'
import { type Fault, shown } from '../wording.js'

/** Returns the faults of a task whose keys are each valid. */
export const taskFaults = (task: unknown): Fault[] =>
  isMapping(task)
    ? [...promptFaults(task), ...heldOutFaults(task), ...splitSeedFaults(task), ...labelNameFaults(task)]
    : []

/** A prompt without a column would be the source of every row. */
function promptFaults({ prompt }: { prompt?: unknown }): Fault[] {
  if (typeof prompt !== 'string' || prompt === '' || promptColumns(prompt).length > 0) return []
  const problem = `task.prompt is ${shown(prompt)}, which names no column: every row would have the same source.`
  return [{ path: ['task', 'prompt'], problem, remedy: 'Write {text} for the column text.' }]
}

/** Only two ways of splitting use a number of rows to hold out. */
function heldOutFaults({ split = 'given', held_out }: { split?: unknown; held_out?: unknown }): Fault[] {
  if (held_out === undefined || split === 'held_out' || split === 'both_held_out') return []
  const problem = `task.held_out is ${shown(held_out)}, but task.split is ${shown(split)}, which holds no rows out.`
  return [
    {
      path: ['task', 'held_out'],
      problem,
      remedy: 'Set task.split to held_out or both_held_out, or take the key out.',
    },
  ]
}

/** Returns the fault of metrics of entities, where a tag is of none. */
export function unfitTagFaults(labels: Mapping, metrics: unknown[]): Fault[] {
  const tags = Object.values(labels)
  const unfit = tags.every((tag) => typeof tag === 'string') ? unfitTag(metrics as TagMetric[], tags) : undefined
  if (unfit === undefined) return []
  const [problem, remedy] = unfitTagWords(metrics as TagMetric[], unfit)
  return [{ path: ['task', 'metrics'], problem, remedy }]
}

/** With `split: given` no rows are drawn, so a seed has no effect. */
function splitSeedFaults({ split = 'given', split_seed }: { split?: unknown; split_seed?: unknown }): Fault[] {
  if (split_seed === undefined || split !== 'given') return []
  const problem = `task.split_seed is ${shown(split_seed)}, but task.split is given: no rows are drawn.`
  return [
    {
      path: ['task', 'split_seed'],
      problem,
      remedy: 'Set task.split to halves, held_out or both_held_out, or take the key out.',
    },
  ]
}

/** Returns the faults of label names; where only the rows show the labels, they are checked when the rows are read. */
export function labelNameFaults({ labels, label_names }: Mapping): Fault[] {
  const texts = (value: unknown) =>
    isMapping(value) && Object.values(value).every((text) => typeof text === 'string')
      ? (value as Record<string, string>)
      : undefined
  const named = texts(label_names)
  if (!named || (labels !== undefined && !texts(labels))) return []
  return namesProblems({ labels: texts(labels), label_names: named }).map(({ value, ...words }) => ({
    path: ['task', 'label_names', value],
    ...words,
  }))
}
