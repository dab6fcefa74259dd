import type { z } from 'zod'
import { commandLine } from '../base/command_line.js'
import type { Complaint } from '../base/error.js'
import { nearest } from '../base/text/nearest.js'
import { isMapping } from '../base/yaml/merge.js'
import { methodMeant } from './other_methods.js'
import { optionsOf, schemaAt } from './schema_walk.js'
import { synonymOf } from './synonyms.js'

type Issue = z.core.$ZodIssue
type Words = Omit<Complaint, 'at'>

/** A fault of the resolved tree in words, and the path of its key. */
export interface Fault extends Words {
  path: PropertyKey[]
  /** Other values that the one at `path` does not fit. */
  involved?: PropertyKey[][]
}

/**
 * Puts into words every issue that zod found when it checked `tree` against `schema`; `whole` is what the tree itself
 * is called.
 */
export function wordIssues(
  issues: readonly Issue[],
  schema: z.ZodType,
  tree: unknown,
  whole = 'An experiment',
): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue, schema, tree, whole)
    if (valueAt(tree, issue.path) === undefined) return [missingKey(issue, schema, tree, whole)]
    const { problem, remedy } = wordIssue(issue, schema, tree)
    return [{ path: issue.path, problem: `${issue.path.join('.')} ${problem}`, ...(remedy && { remedy }) }]
  })
}

/** What to do instead of keys that earlier versions had. */
const REPLACED: Record<string, string> = {
  'training.workers': `Start one training as several processes: mpirun -n 4 ${commandLine('train … --mpi')}.`,
  'training.on_worker_lost': 'A rank of --mpi that is lost ends the run; --resume goes on with any number of them.',
}

function unknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  schema: z.ZodType,
  tree: unknown,
  whole: string,
): Fault[] {
  const here = schemaAt(schema, issue.path, tree)
  const known = here ? Object.keys(optionsOf(here, valueAt(tree, issue.path))) : []
  const faults = issue.keys.map((key) => {
    const path = [...issue.path, key]
    const problem = `${nameOf(issue.path, whole)} has no key ${key}.`
    return { path, problem, remedy: REPLACED[path.join('.')] ?? meant(path, known, schema, tree) }
  })
  const first = faults.find(({ remedy }) => remedy === undefined)
  const listed = `Keys: ${known.join(', ')}.`
  return faults.map(({ remedy = `The keys are listed at ${String(first!.path.at(-1))}.`, ...fault }) => ({
    ...fault,
    remedy: fault.path === first?.path ? listed : remedy,
  }))
}

/** Says which key was probably meant: another tool's name for it, a similar one, or one of another section. */
function meant(path: PropertyKey[], known: string[], schema: z.ZodType, tree: unknown): string | undefined {
  const key = String(path.at(-1))
  const exists = (dotted: string) => schemaAt(schema, dotted.split('.'), tree) !== undefined
  const synonym = elsewhereNamed(path, known, exists)
  if (synonym) return synonym
  const part = partWith(path, schema, tree)
  if (part) return part
  const near = nearest(key, known)
  if (near) return `Did you mean ${near}?`
  const elsewhere = Object.keys(optionsOf(schema, tree))
    .map((section) => `${section}.${key}`)
    .find(exists)
  return elsewhere && `Did you mean ${elsewhere}?`
}

/** Says what another tool's name means here: one of the keys of the same mapping, or of another section. */
function elsewhereNamed(
  path: PropertyKey[],
  known: string[],
  exists: (dotted: string) => boolean,
  synonym = synonymOf(String(path.at(-1))),
): string | undefined {
  if (!synonym) return undefined
  const [section, ...rest] = path
  const here = (dotted: string) => {
    const [first, key] = dotted.split('.')
    return rest.length > 0 && first === section && known.includes(key!) ? key : undefined
  }
  if ('beside' in synonym) return here(synonym.beside) && synonym.note
  const key = here(synonym.key) ?? (exists(synonym.key) ? synonym.key : undefined)
  if (key) return [`Did you mean ${key}?`, synonym.note].filter(Boolean).join(' ')
  return synonym.otherwise && elsewhereNamed(path, known, exists, synonym.otherwise)
}

/** Says which of several methods have the key, or are of the kind that stands for one. */
function partWith(path: PropertyKey[], schema: z.ZodType, tree: unknown): string | undefined {
  const [parent, key] = [path.slice(0, -1), String(path.at(-1))]
  const value = valueAt(tree, parent)
  if (!isMapping(value) || !Array.isArray(value.methods)) return undefined
  const own = value.methods.flatMap((part: unknown, i) => {
    const at = [...parent, 'methods', i]
    if (isMapping(part) && part.kind === key) return [at.join('.')]
    const options = schemaAt(schema, at, tree)
    return options && key in optionsOf(options, part) ? [`${at.join('.')}.${key}`] : []
  })
  return own.length === 0 ? undefined : `It is a list of methods: did you mean ${own.join(' or ')}?`
}

/** Reports a missing key at its parent. */
function missingKey(issue: Issue, schema: z.ZodType, tree: unknown, whole: string): Fault {
  const path = issue.path.slice(0, -1)
  const description = schemaAt(schema, issue.path, tree)?.description
  const problem = `${nameOf(path, whole)} has no ${String(issue.path.at(-1))}.`
  return { path, problem, ...(description && { remedy: `Needed: ${description}` }) }
}

function wordIssue(issue: Issue, schema: z.ZodType, tree: unknown): Words {
  const value = valueAt(tree, issue.path)
  const is = `is ${shown(value)}`
  switch (issue.code) {
    case 'invalid_type':
      if (value === null && issue.expected === 'string')
        return { problem: `${is}; it must be text.`, remedy: "Quote it if that is the text: 'null'." }
      return { problem: `${is}; it must be ${typeAt(issue, schema, tree)}.`, ...defaultOf(issue, schema, tree) }
    case 'invalid_value':
      return choice(value, issue.values.map(String))
    case 'too_small':
      if (issue.origin === 'array' && (value as unknown[]).length > 0)
        return { problem: `has ${(value as unknown[]).length}; it must have at least ${issue.minimum}.` }
      if (issue.origin === 'string' || issue.origin === 'array') return { problem: 'is empty.' }
      return { problem: `${is}; it must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}.` }
    case 'too_big':
      return { problem: `${is}; it must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}.` }
    case 'invalid_union':
      return issue.discriminator ? choice(value, discriminators(issue)) : { problem: `${is}; it ${issue.message}` }
    default:
      return { problem: `${is}; it ${issue.message}` }
  }
}

/** zod provides these, but its types leave them out. */
const discriminators = (issue: Issue) => ((issue as { options?: unknown[] }).options ?? []).map(String)

const TYPES: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
  array: 'a list',
}

/**
 * Says which type is needed. Whole numbers are recognised by the schema: where a value is text, zod expects any number.
 */
function typeAt(issue: z.core.$ZodIssueInvalidType, schema: z.ZodType, tree: unknown): string {
  const def = schemaAt(schema, issue.path, tree)?.def as { format?: string } | undefined
  return TYPES[def?.format === 'safeint' ? 'int' : issue.expected] ?? issue.expected
}

function choice(value: unknown, values: string[]): Words {
  const problem = `is ${shown(value)}; it must be ${values.length === 1 ? '' : 'one of '}${values.join(', ')}.`
  const remedy = methodMeant(String(value), values) ?? nearName(String(value), values)
  return { problem, ...(remedy && { remedy }) }
}

function defaultOf(issue: Issue, schema: z.ZodType, tree: unknown): Pick<Words, 'remedy'> {
  const def = (schemaAt(schema, issue.path, tree, false) as z.ZodDefault | undefined)?.def
  return def?.type === 'default' ? { remedy: `The default is ${shown(def.defaultValue)}.` } : {}
}

/** Suggests the nearest of the known names, or lists all of them. */
export const suggestion = (word: string, known: readonly string[], plural: string): string =>
  methodMeant(word, known) ?? nearName(word, known) ?? `${plural}: ${known.join(', ')}.`

/** Asks for the nearest of the known names, or for all of which the word is the beginning: prompt-tuning-r and -t. */
function nearName(word: string, known: readonly string[]): string | undefined {
  const begun = known.filter((name) => name.startsWith(`${word.replaceAll('_', '-')}-`))
  const near = begun.length > 1 ? begun.join(' or ') : nearest(word, known)
  return near && `Did you mean ${near}?`
}

const nameOf = (path: readonly PropertyKey[], whole: string) => (path.length === 0 ? whole : path.join('.'))

/** Returns a value in YAML's flow style. */
export const shown = (value: unknown): string => JSON.stringify(value) ?? String(value)

/** Returns the value at a path; undefined where there is none. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)]
    return isMapping(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined
  }, tree)
}
