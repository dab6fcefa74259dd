import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasEngine } from '../support/engines.js'
import { documented, near, nearOnTerminal, shownCommands, withOutputs } from './blocks.js'
import { documents, outputsOf, read, trainedQuickstart } from './outputs.js'

const MARKDOWN = `Text.

\`\`\`console
$ echo 'a
> b'
a
b
$ true
$ echo c
c
\`\`\`

\`\`\`sh
$ not run
\`\`\`
`

describe('a console block', () => {
  test('has commands, with their continued lines, and their outputs', () => {
    expect(shownCommands(MARKDOWN).map(({ command, output, line }) => [command, output, line])).toEqual([
      ["echo 'a\nb'", 'a\nb', 4],
      ['true', '', 8],
      ['echo c', 'c', 9],
    ])
  })

  test('gets new outputs, and the rest of the text stays', () => {
    expect(withOutputs(MARKDOWN, ['a\nb', '', 'c'])).toBe(MARKDOWN)
    const other = withOutputs(MARKDOWN, ['x', 'y\nz', ''])
    expect(shownCommands(other).map(({ output }) => output)).toEqual(['x', 'y\nz', ''])
    expect(withOutputs(other, ['a\nb', '', 'c'])).toBe(MARKDOWN)
  })

  test('shows masks for what differs from run to run', () => {
    const text = `/tmp/x/runs/a: 2 min 5 s, 261 ms per step, 1.28 GiB; ${'ab'.repeat(32)} in /tmp/x\n`
    expect(documented(text, '/tmp/x')).toBe('runs/a: <time>, <time> per step, <memory>; <sha256> in .')
  })

  test.each([
    ['positive\t0.9727', 'positive\t0.9611', true],
    ['positive\t0.9727', 'positive\t0.9510', false],
    ['1\t0.9310', '0\t0.9310', false],
    ['1\t0.9310', '1\t0.6149', false],
    ['| 67.64 |', '| 66.70 |', true],
    ['| 67.64 |', '| 66.10 |', false],
    ['{"scores":{"0":-3.63}}', '{"scores":{"0":-3.58}}', true],
    ['e: a.json; 87,831 bytes', 'e: a.json; 87,840 bytes', true],
    ['20 rows', '21 rows', false],
    ['5.0 a', '5.0 b', false],
  ])('%j for %j: %s', (output, expected, same) => expect(near(output, expected)).toBe(same))

  test('is the same on a terminal but for tabs and what progress draws', () => {
    expect(nearOnTerminal('1       positive        0.9727', '1\tpositive\t0.9727')).toBe(true)
    expect(nearOnTerminal('1 positive 0.9727', '1\tpositive\t0.9727')).toBe(false)
    expect(nearOnTerminal('✔ Backbone\nℹ 2 runs\n{}', '2 runs\n{}')).toBe(true)
    expect(nearOnTerminal('■ Backbone\n{}', '{}')).toBe(false)
  })
})

// WebAssembly draws other dropout masks and takes half an hour.
describe.skipIf(!hasEngine('tensorflow') || process.platform === 'win32')('what the documentation shows', () => {
  let quickstart: string
  beforeAll(async () => {
    quickstart = await trainedQuickstart()
  }, 1_800_000)
  afterAll(() => rmSync(quickstart, { recursive: true }))

  test.each(documents)(
    '%s is what its commands print after the quickstart (`npm run docs:outputs` writes it anew)',
    async (document) => {
      const outputs = await outputsOf(document, quickstart)
      for (const [i, { command, output, line }] of shownCommands(read(document)).entries()) {
        const actual = outputs[i]!
        expect(near(actual, output) ? output : actual, `${document}:${line}: ${command}`).toBe(output)
      }
    },
    600_000,
  )
})
