import { isDeepStrictEqual } from 'node:util'
import { tokenizerSources } from '../backbone/files/vocabulary/tokenizer_files.js'
import type { Backbone } from '../backbone/files/weights.js'
import type { Split } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { hashFiles } from '../base/files/hash.js'
import type { Environment } from './records.js'

/**
 * The SHA-256 hashes, in hexadecimal, of what a run was made with. What an earlier version did not note is undefined.
 */
export interface MadeWith {
  /** The hash of the backbone's weights. */
  weights?: string | undefined
  /** The hash of its tokenizer.json, or of the files that it is made of. */
  tokenizer?: string | undefined
  /** Its dimensions and conventions, by key. */
  config?: Record<string, unknown> | undefined
  /** The hash of the files that each split's rows are read from. */
  rows: Record<string, string>
}

/** Something differs from what the run was made with. */
export class Changed extends UserError {}

/** What to do where something changed: refuse, or continue with a warning. */
export interface WhenChanged {
  /** `--allow-changed`: the user knows better. */
  allowChanged: boolean
  warn: (text: string) => void
}

/** Says what `--allow-changed` is for, at the end of every refusal. */
const GO_ON = 'or go on with what is here: --allow-changed.'

export const madeWith = (manifest: Environment | undefined): MadeWith => ({
  weights: manifest?.backbone_sha256,
  tokenizer: manifest?.tokenizer_sha256,
  config: manifest?.backbone_config,
  rows: manifest?.data_sha256 ?? {},
})

/** Returns what a manifest notes of a backbone. */
export const notedBackbone = (files: Pick<Backbone, 'hash' | 'tokenizerFile' | 'config'>) => ({
  backbone_sha256: files.hash(),
  tokenizer_sha256: hashFiles(tokenizerSources(files.tokenizerFile)),
  backbone_config: { ...files.config } as Record<string, unknown>,
})

/**
 * Checks that a backbone is the one that the run in `folder` was made with: weights, tokenizer and config.json.
 * @throws Changed with both hashes, unless changes are allowed
 */
export function checkBackbone(
  folder: string,
  made: MadeWith,
  backbone: Pick<Backbone, 'folder' | 'hash' | 'tokenizerFile' | 'config'>,
  when: WhenChanged,
): void {
  const problem = weightsChanged(made, backbone) ?? tokenizerChanged(made, backbone) ?? configChanged(made, backbone)
  if (problem === undefined) return
  const remedy = `Fetch the same backbone, say where it is with --set backbone.name=FOLDER, ${GO_ON}`
  refuse(new Changed({ at: folder, problem, remedy }), when)
}

type Here = Parameters<typeof checkBackbone>[2]

function weightsChanged({ weights }: MadeWith, { folder, hash }: Here): string | undefined {
  if (weights === undefined) return undefined
  const here = hash()
  if (here === weights) return undefined
  return `was trained on weights with SHA-256 ${short(weights)}; those in ${folder} have ${short(here)}.`
}

function tokenizerChanged({ tokenizer }: MadeWith, { tokenizerFile }: Here): string | undefined {
  if (tokenizer === undefined) return undefined
  const here = hashFiles(tokenizerSources(tokenizerFile))
  if (here === tokenizer) return undefined
  return `was trained with a tokenizer whose SHA-256 is ${short(tokenizer)}; ${tokenizerFile} has ${short(here)}.`
}

/** Ignores keys that only one of two versions knows. */
function configChanged({ config = {} }: MadeWith, { folder, config: here }: Here): string | undefined {
  const now = { ...here } as Record<string, unknown>
  const key = Object.keys(config).find((key) => Object.hasOwn(now, key) && !isDeepStrictEqual(config[key], now[key]))
  if (key === undefined) return undefined
  const [before, after] = [config[key], now[key]].map((value) => JSON.stringify(value))
  return `was trained with a backbone whose ${key} is ${before}; config.json in ${folder} says ${after}.`
}

/** The rows of a split as they are here. */
export interface RowsHere {
  split: Split
  /** The name for errors. */
  file: string
  sha256: string
}

/** Whether the run noted other rows for that split. */
export const rowsDiffer = ({ rows }: MadeWith, { split, sha256 }: RowsHere): boolean =>
  rows[split] !== undefined && rows[split] !== sha256

/**
 * Checks that the rows of a split are those that the run in `folder` was made with. `wayOut` says what else the user
 * can do.
 * @throws Changed with both hashes, unless changes are allowed
 */
export function checkRows(folder: string, made: MadeWith, here: RowsHere, wayOut: string, when: WhenChanged): void {
  if (!rowsDiffer(made, here)) return
  const { split, file, sha256 } = here
  const problem = `its ${split} rows had SHA-256 ${short(made.rows[split]!)}; ${file} has ${short(sha256)}.`
  refuse(new Changed({ at: folder, problem, remedy: `${wayOut}, ${GO_ON}` }), when)
}

function refuse(changed: Changed, { allowChanged, warn }: WhenChanged): void {
  if (!allowChanged) throw changed
  warn(`${changed.at}: ${changed.problem} Going on, as --allow-changed says.`)
}

export const short = (sha256: string): string => `${sha256.slice(0, 12)}…`
