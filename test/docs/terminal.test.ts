import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quoted } from '../../src/base/command_line.js'
import { packageRoot } from '../../src/base/root.js'
import { nearOnTerminal, shownCommands } from './blocks.js'
import { documents, onColumns, outputsOf, read, readersFolder } from './outputs.js'
import { onTerminal } from './terminal.js'

const there = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

/** Documents whose commands need no run; `npm run docs:terminal` looks at the others too. */
const quick = documents.filter((name) => !read(name).includes('runs/quickstart') && name !== 'README.md')

const compacter = `${quoted(process.execPath)} ${quoted(join(packageRoot, 'bin', 'run.js'))}`

/** Without TensorFlow and without data. */
const COMMANDS = ['-h', 'train -h', 'list methods', 'params report']

describe.skipIf(!there)('on a terminal', () => {
  let folder: string
  beforeAll(() => {
    folder = readersFolder()
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  describe.each([80, 120])('of %i columns', (columns) => {
    test.each(COMMANDS)('no line of `compacter %s` is folded', async (command) => {
      const { code, lines, folded } = await onTerminal(`${compacter} ${command}`, {
        columns,
        cwd: folder,
        stderr: true,
      })
      expect(code, lines.join('\n')).toBe(0)
      expect(lines.length).toBeGreaterThan(4)
      expect(folded).toEqual([])
    })

    test('an error has its remedy on a separate line', async () => {
      const { code, lines } = await onTerminal(`${compacter} train quikstart`, { columns, cwd: folder, stderr: true })
      expect({ code, lines }).toEqual({
        code: 2,
        lines: ['quikstart: there is no such file.', '  Did you mean quickstart?'],
      })
    })

    test.each(quick)('%s prints what the document shows', async (document) => {
      const seen = await outputsOf(document, folder, onColumns(columns))
      for (const [i, { command, output, line }] of shownCommands(read(document)).entries())
        expect(nearOnTerminal(seen[i]!, output) ? output : seen[i], `${document}:${line}: ${command}`).toBe(output)
    })
  })

  /** What a terminal shows of these calls of the progress of a command. */
  const drawn = async (calls: string) => {
    const module = pathToFileURL(join(packageRoot, 'dist', 'src', 'cli', 'terminal.js')).href
    const code =
      `const { terminalProgress } = await import(${JSON.stringify(module)}); const progress = await ` +
      `terminalProgress(); ${calls}`
    const node = `${quoted(process.execPath)} --input-type=module -e ${quoted(code)}`
    return (await onTerminal(node, { columns: 80, cwd: folder, stderr: true })).lines
  }

  test('only finished phases have a tick, and output never shares a line with drawn progress', async () => {
    const lines = await drawn(
      "progress.phase('Reading'); console.log('a result'); progress.phase('Training'); progress.note('a note'); " +
        'progress.end()',
    )
    expect(lines).toEqual(['a result', '✔ Reading', 'ℹ a note', '✔ Training'])
  })

  test.each([
    ['process.emit("compacter:failed", 130)', '■ Training'],
    ['process.emit("compacter:failed", 1)', '✖ Training'],
    ['progress.stop()', '■ Training'],
  ])('a phase ended by %s has no tick', async (call, line) => {
    expect(await drawn(`progress.phase('Training'); ${call}`)).toEqual([line])
  })
})
