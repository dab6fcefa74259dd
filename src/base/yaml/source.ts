import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type YAMLError } from 'yaml'
import { type Complaint, ExperimentError, UserError } from '../error.js'
import { refusePointer } from '../files/lfs_pointer.js'
import { readText as wholeText } from '../files/read.js'
import { type IsText, noText, parseYaml, plainValue } from './yaml.js'

export type Path = readonly PropertyKey[]

/** A YAML file, or a `--set`, that knows the place of each of its values. */
export interface Source {
  value: unknown
  /** The folder that relative paths in it start from. */
  folder: string
  /**
   * Finds the place of the deepest key on this path that the source answers for, how deep that key is, how deep the
   * source has values, and the folder that relative paths start from where it is a different one.
   */
  find(path: Path): { at: string; depth: number; held?: number; folder?: string | undefined }
}

/**
 * Parses YAML; `isText` says at which paths of the file any text is allowed. Faults go into `complaints`; `value` is
 * then undefined.
 */
export function yamlSource(file: string, folder: string, complaints: Complaint[], isText: IsText): Source {
  const text = readText(file)
  refusePointer(file, text)
  const { document, lines } = parsed(text, isText)
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${shownPath(file)}:${line}:${col}`
  }
  for (const error of document.errors) complaints.push(yamlComplaint(error, place(error.pos[0]), text))
  const value = document.errors.length === 0 ? plainValue(document) : undefined
  return { value, folder, find: (path) => findNode(document, path, place) }
}

/** Reads a preset, which somebody may have edited. @throws ExperimentError with the place of the first fault. */
// biome-ignore lint/suspicious/noExplicitAny: as the parsers of YAML and JSON type what they read
export function readYaml(file: string): any {
  const complaints: Complaint[] = []
  const { value } = yamlSource(file, dirname(file), complaints, noText)
  if (complaints[0]) throw new ExperimentError(complaints[0])
  return value
}

/** Returns the place of the value at a path, `file:line:column`, in a YAML or JSON file that has been read before. */
export const placeIn = (file: string, path: Path): string => yamlSource(file, dirname(file), [], noText).find(path).at

function readText(file: string): string {
  try {
    return wholeText(file, { named: true })
  } catch (error) {
    const told = error instanceof UserError ? error.problem : `can't be read: ${(error as Error).message}.`
    const remedy = (error instanceof UserError && error.remedy) || 'An experiment is a YAML file.'
    throw new ExperimentError({ at: shownPath(file), problem: told, remedy }, { cause: error })
  }
}

type Parsed = { document: Document; lines: LineCounter }

/**
 * A report reads one experiment and a few presets for each method, so each text is parsed once for each kind of file.
 */
function parsed(text: string, isText: IsText): Parsed {
  const kind = documents.get(isText) ?? new Map<string, Parsed>()
  documents.set(isText, kind)
  const known = kind.get(text)
  if (known) return known
  const lines = new LineCounter()
  const document = parseYaml(text, isText, lines)
  kind.set(text, { document, lines })
  return { document, lines }
}

const documents = new Map<IsText, Map<string, Parsed>>()

/** Finds the key of each step of the path: a map's key or a list's item. */
function findNode(document: Document, path: Path, place: (offset: number) => string) {
  let node: unknown = document.contents
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
  let depth = 0
  for (; depth < path.length; depth++) {
    const step = path[depth]!
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : undefined
    const found = pair ? pair.key : isSeq(node) ? node.items[Number(step)] : undefined
    if (!isNode(found)) break
    offset = found.range?.[0] ?? offset
    node = pair ? pair.value : found
  }
  return { at: place(offset), depth }
}

function yamlComplaint(error: YAMLError, at: string, text: string): Complaint {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[\w-]+/.exec(text.slice(error.pos[0]))?.[0] ?? 'a key'
    return { at, problem: `${key} occurs twice.`, remedy: 'Keep one of the two.' }
  }
  return { at, problem: `not valid YAML: ${error.message.replace(/\.?$/, '.')}` }
}

/** Returns a path as the user would write it: relative below the current folder, otherwise absolute. */
export function shownPath(file: string): string {
  const path = relative(process.cwd(), resolve(file))
  return path.startsWith('..') || isAbsolute(path) ? resolve(file) : path
}
