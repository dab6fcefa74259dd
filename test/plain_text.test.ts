import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'

const WIDEST = 120

/** Words that stand for a plainer one, each with what to write instead. */
const TIRING: [RegExp, string][] = [
  [/\bunless told\b/, 'by default'],
  [/\bstands? in for\b/, 'replaces'],
  [/\bstands? beside\b/, 'is next to'],
]

interface Line {
  /** `src/base/error.ts:12` */
  at: string
  text: string
}

function linesOf(...folders: string[]): Line[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  const sources = files.filter((file) => /\.(ts|js|cts|cjs)$/.test(file) && !file.includes('fixtures'))
  return sources.flatMap((file) =>
    readFileSync(join(packageRoot, file), 'utf8')
      .split('\n')
      .map((text, i) => ({ at: `${file}:${i + 1}`, text })),
  )
}

/** A single word, such as a hash, can't be broken. */
const tooWide = (lines: Line[]): string[] =>
  lines.filter(({ text }) => text.length > WIDEST && text.trim().includes(' ')).map(({ at }) => at)

describe('no line is wider than 120 columns', () => {
  test('in sources', () => {
    expect(tooWide(linesOf('src', 'commands', 'bin', 'scripts', 'bench'))).toEqual([])
  })

  test('in tests, except what a program is expected to print', () => {
    const lines = linesOf('test').filter(({ text }) => /^\s*(\/\/|\/?\*)/.test(text) || !/['"`/]/.test(text))
    expect(tooWide(lines)).toEqual([])
  })
})

test.each(TIRING)('sources and commands do not say %s but "%s"', (tiring) => {
  const found = linesOf('src', 'commands').filter(({ text }) => tiring.test(text))
  expect(found.map(({ at }) => at)).toEqual([])
})
