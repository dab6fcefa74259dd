import { isDeepStrictEqual } from 'node:util'
import { BAD_USAGE, UserError } from '../base/error.js'
import { nearest } from '../base/text/nearest.js'
import { shortened } from '../base/text/shortened.js'
import { noText, parseYaml, plainValue } from '../base/yaml/yaml.js'
import { leavesOf } from '../experiment/method_name.js'
import { lowerIsBetter, lowerScoreIsBetter, taskScore } from '../task/metrics/direction.js'
import { type Found, type Listed, RUN_STATES } from './listed.js'

class BadColumn extends UserError {
  override readonly exitCode = BAD_USAGE
}

type Value = string | number | undefined

/** What stands in the table for every run, by name. */
const COLUMNS: Record<string, (run: Listed) => Value> = {
  run: ({ folder }) => folder,
  name: ({ name }) => name,
  method: ({ method }) => method,
  backbone: ({ backbone }) => backbone,
  task: ({ task }) => task,
  state: ({ state }) => state,
  steps: ({ steps }) => steps,
  time: ({ seconds }) => seconds,
  size: ({ bytes }) => bytes,
  parameters: ({ trained_parameters }) => trained_parameters,
}

/** The mean of a task's metrics, by which a run chooses its best checkpoint. */
const SCORE = 'score'

const SPLITS = ['validation', 'test'] as const

/**
 * Returns the runs in the order of a column or a metric: the best score first, otherwise the most, and texts by the
 * alphabet. `accuracy` is that of the validation rows, on which runs are chosen; `test.accuracy` that of the test rows.
 * Runs without such a value come last.
 * @throws UserError for a name that no run has.
 */
export function sorted(found: readonly Found[], name: string): Found[] {
  const { ofRun, ascending } = orderBy(found, name)
  const sign = ascending ? 1 : -1
  return found.toSorted((one, other) => {
    const [a, b] = [ofRun(one.run), ofRun(other.run)]
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
    return String(a).localeCompare(String(b), 'en', { numeric: true })
  })
}

function orderBy(found: readonly Found[], name: string): { ofRun(run: Listed): Value; ascending: boolean } {
  if (Object.hasOwn(COLUMNS, name)) return { ofRun: COLUMNS[name]!, ascending: false }
  const [split, metric] = splitOf(name)
  const scored = found.flatMap(({ run }) => (run[split] ? [run[split]] : []))
  if (metric === SCORE && scored.length > 0) return byScore(found, split)
  if (scored.some((scores) => metric in scores))
    return { ofRun: (run) => run[split]?.[metric], ascending: lowerIsBetter(metric) }
  const metrics = [...new Set(SPLITS.flatMap((each) => found.flatMap(({ run }) => Object.keys(run[each] ?? {}))))]
  const known = [...Object.keys(COLUMNS), SCORE, ...metrics]
  const near = nearest(metric, known)
  throw new BadColumn({
    at: `--sort ${shortened(name)}`,
    problem: 'no run here has such a column or metric.',
    remedy:
      `${meant(near && (split === 'test' ? `test.${near}` : near))}` +
      `Columns: ${Object.keys(COLUMNS).join(', ')}. Metrics: ` +
      `${[SCORE, ...metrics].join(', ')}; test.${metrics[0] ?? SCORE} for the test rows.`,
  })
}

function splitOf(name: string): ['validation' | 'test', string] {
  const split = SPLITS.find((each) => name.startsWith(`${each}.`))
  return split ? [split, name.slice(split.length + 1)] : ['validation', name]
}

/** Errors and scores have no common order, so where all runs have errors alone the lowest comes first. */
function byScore(found: readonly Found[], split: 'validation' | 'test') {
  const scored = found.flatMap(({ run }) => (run[split] ? [Object.keys(run[split])] : []))
  return {
    ofRun: (run: Listed) => (run[split] ? taskScore(run[split]) : undefined),
    ascending: scored.every(lowerScoreIsBetter),
  }
}

/**
 * Returns the runs that have all of these values, each `key=value`: keys of the experiment as `training.seed`, or
 * columns. A method is met by its preset, whatever else of it was changed, or by its whole name. Of a state that no run
 * is in, there are none.
 * @throws UserError for a text of another form, a key or value that no run has, and where no run is left.
 */
export function withValues(found: readonly Found[], conditions: readonly string[]): Found[] {
  const asked = conditions.map(parsedCondition)
  const facts = new Map(found.map((each) => [each, factsOf(each)]))
  for (const condition of asked) checkHas(facts, condition)
  const kept = found.filter((each) => asked.every((condition) => meets(facts.get(each)!, condition)))
  if (kept.length > 0 || asked.length === 0 || asked.some(isState)) return kept
  throw new BadColumn({
    at: asked.map(({ text }) => `--where ${shortened(text)}`).join(' '),
    problem: 'no run here has all of these values.',
    remedy: 'Leave one out.',
  })
}

interface Condition {
  text: string
  key: string
  /** As it was typed, and as YAML reads it. */
  value: string
  read: unknown
}

function parsedCondition(text: string): Condition {
  const at = text.indexOf('=')
  if (at > 0) {
    const value = text.slice(at + 1)
    return { text, key: text.slice(0, at), value, read: plainValue(parseYaml(value, noText)) }
  }
  throw new BadColumn({
    at: `--where ${shortened(text)}`,
    problem: 'is not of the form key=value.',
    remedy: 'For example --where method=compacter, or --where training.seed=1.',
  })
}

/** A script that asks for broken runs must not fail where there are none. */
const isState = ({ key, value }: Condition): boolean =>
  key === 'state' && (RUN_STATES as readonly string[]).includes(value)

type Facts = Map<string, unknown>

function factsOf({ run, experiment }: Found): Facts {
  const leaves = experiment ? leavesOf(experiment) : new Map<string, unknown>()
  const columns = Object.entries(COLUMNS).map(([name, ofRun]) => [name, ofRun(run)] as const)
  return new Map([...leaves, ...columns].filter(([, value]) => value !== undefined))
}

function meets(facts: Facts, { key, value, read }: Condition): boolean {
  const own = facts.get(key)
  if (own === undefined) return false
  if (String(own) === value || isDeepStrictEqual(own, read)) return true
  return key === 'method' && String(own).split(', ')[0] === value
}

/** The most values that an error lists. */
const LISTED = 12

function checkHas(facts: ReadonlyMap<Found, Facts>, condition: Condition): void {
  const all = [...facts.values()]
  if (isState(condition) || all.some((each) => meets(each, condition))) return
  const at = `--where ${shortened(condition.text)}`
  const { key } = condition
  const there = new Map<string, number>()
  for (const value of all.flatMap((each) => (each.has(key) ? [shown(each.get(key))] : [])))
    there.set(value, (there.get(value) ?? 0) + 1)
  if (there.size > 0) {
    const values = [...there].map(([value, runs]) => `${value} (${runs})`)
    const more = values.length > LISTED ? [`${values.length - LISTED} more`] : []
    const near = nearest(condition.value, [...there.keys(), ...(key === 'state' ? RUN_STATES : [])])
    const listed = [...values.slice(0, LISTED), ...more].join(', ')
    throw new BadColumn({ at, problem: `no run here has this ${key}.`, remedy: `${meant(near)}There is: ${listed}.` })
  }
  const known = [...new Set(all.flatMap((each) => [...each.keys()]))]
  const near = nearest(key, known) ?? known.find((each) => each.endsWith(`.${key}`))
  const columns = `Columns: ${Object.keys(COLUMNS).join(', ')}`
  const remedy = `${meant(near)}${columns}; or a key of the experiment, such as training.seed.`
  throw new BadColumn({ at, problem: 'no run here has such a key.', remedy })
}

const meant = (name: string | undefined): string => (name ? `Did you mean '${name}'? ` : '')

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
