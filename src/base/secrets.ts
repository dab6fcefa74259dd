import { statSync } from 'node:fs'
import { tokenFile } from './files/hub_folder.js'
import { readText } from './files/read.js'

/** Shown in the text instead of a secret. */
const HIDDEN = '***'
/** Shorter secrets would hide ordinary words and numbers; in an address they are hidden by their place. */
const SHORTEST = 8
/** `user:password@` of an address, after its scheme. */
const CREDENTIALS = /:\/\/[^\s/?#"'<>`]*@/g
/** Variables whose whole value is a secret. */
const SECRET_VARIABLES = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']
/** A token has some 40 characters; a much larger file is not a token. */
const LARGEST_TOKEN_FILE = 4096

/**
 * Returns the text without secrets: the hub's token, passwords of addresses in the environment, wherever they occur,
 * and the user and password of any address. Everything printed passes through it, and every message that is written to
 * a file.
 */
export function hideSecrets(text: string): string {
  const known = [...new Set(secrets().flatMap(spellings))].filter((secret) => secret.length >= SHORTEST)
  const longestFirst = known.sort((a, b) => b.length - a.length)
  return longestFirst
    .reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text)
    .replace(CREDENTIALS, `://${HIDDEN}@`)
}

/** Returns the value with secrets hidden in each of its texts; keys and numbers are unchanged. */
export function withoutSecrets<T>(value: T): T
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return hideSecrets(value)
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]))
}

function secrets(): string[] {
  const { env } = process
  const passwords = Object.entries(env).flatMap(([name, value = '']) => passwordsIn(value, isAddress(name)))
  const tokens = SECRET_VARIABLES.map((name) => env[name] ?? '')
  return [...tokens, tokenFileText()].flatMap((text) => text.split(/[\r\n]+/)).concat(passwords)
}

/** Addresses in these variables may lack the scheme. */
const isAddress = (name: string) => /^HF_ENDPOINT$|_proxy$|^PIP_(EXTRA_)?INDEX_URL$/i.test(name)

/** A password may contain `@` and `/` where nobody encoded it. */
function passwordsIn(value: string, schemeLeftOut: boolean): string[] {
  if (!value.includes('@')) return []
  const pattern = schemeLeftOut ? /^(?:[a-z][\w+.-]*:\/\/)?[^@:/]*:(.+)@/i : /^[a-z][\w+.-]*:\/\/[^@:/]*:(.+)@/i
  return value.split(/\s+/).flatMap((word) => pattern.exec(word)?.[1] ?? [])
}

/** Returns the ways to write one secret: unchanged, in JSON, and encoded for an address. */
function spellings(secret: string): string[] {
  const trimmed = secret.trim()
  return [trimmed, JSON.stringify(trimmed).slice(1, -1), encodeURIComponent(trimmed), decoded(trimmed)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

let read: { file: string; text: string } | undefined

/** Returns the text of the hub's token file, which is read once; empty where there is no such file. */
function tokenFileText(): string {
  const file = tokenFile()
  if (read?.file !== file) read = { file, text: smallText(file) }
  return read.text
}

function smallText(file: string): string {
  try {
    return statSync(file).size <= LARGEST_TOKEN_FILE ? readText(file, { named: true }) : ''
  } catch {
    return ''
  }
}
