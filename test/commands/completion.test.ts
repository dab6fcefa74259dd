import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { completionScript, type Shell } from '../../src/catalogue/completion.js'

const { commands } = JSON.parse(readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8'))

const folder = mkdtempSync(join(tmpdir(), 'compacter-completion-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'runs', 'reviews'), { recursive: true })
mkdirSync(join(folder, 'runs', 'no-run'))
writeFileSync(join(folder, 'runs', 'reviews', 'experiment.yaml'), '')
writeFileSync(join(folder, 'my own.yaml'), '')

const script = (shell: Shell) => {
  const file = join(folder, `completion.${shell}`)
  writeFileSync(file, completionScript(shell, Object.values(commands)))
  return file
}

const has = (...command: string[]) => spawnSync(command[0]!, command.slice(1), { stdio: 'ignore' }).status === 0
const bash = has('bash', '--version')

/** What bash offers where Tab is pressed at the end of these words. */
function offered(...words: string[]): string[] {
  const code = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _compacter; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', code, script('bash'), 'compacter', ...words], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return stdout.split('\n').filter(Boolean)
}

describe.skipIf(!bash)('bash completes', () => {
  test.each([
    ['commands', ['sw'], ['sweep']],
    ['commands of a group', ['sweep', ''], ['results', 'run', 'status']],
    ['flags', ['train', 'quickstart', '--eng'], ['--engine']],
    ['no- of flags that have it', ['sweep', 'status', '--no'], ['--no-watch']],
    ['values of a flag', ['train', '--engine', ''], ['auto', 'tensorflow', 'webgpu', 'wasm']],
    ['values after =', ['train', '--engine', '=', 'w'], ['webgpu', 'wasm']],
    ['shipped experiments', ['train', 'quick'], ['quickstart']],
    ['shipped sweeps', ['sweep', 'run', 'qui'], ['quick']],
    ['files with a space', ['train', 'my'], ['my own.yaml']],
    [
      'experiments after flags with values',
      ['train', '--lr', '1', '--set', 'method.n', '=', '4', 'quick'],
      ['quickstart'],
    ],
    ['runs, before the folder that they are in', ['eval', 'ru'], ['runs/reviews', 'runs']],
    ['runs by their path', ['eval', 'runs/rev'], ['runs/reviews']],
    ['a further run', ['eval', 'runs/reviews', 'runs/rev'], ['runs/reviews']],
    ['keys of --set', ['train', 'x', '--set', 'training.learning'], ['training.learning_rate=']],
    ['places of --set', ['eval', 'x', '--set', 'task.t'], ['task.train=', 'task.test=']],
    ['methods', ['bench', '--method', 'low-'], ['low-rank-adapter']],
    ['arguments with a choice', ['list', 'b'], ['backbones']],
    ['commands after help', ['help', 'sw'], ['sweep']],
    ['nothing where any number is right', ['train', '--lr', ''], []],
    ['nothing below a command that does not exist', ['trian', ''], []],
  ])('%s', (_, words, expected) => expect(offered(...words)).toEqual(expected))

  test('all presets of a kind', () => {
    expect(offered('params', 'report', '--method', '')).toEqual(['all', ...presetNames('methods')])
    expect(offered('bench', '--backbone', 't5-').sort()).toEqual(
      presetNames('backbones').filter((name) => name.startsWith('t5-')),
    )
  })
})

/** What a shell in a terminal makes of a line with a Tab in it. */
const typed = (shell: string, line: string) =>
  spawnSync('script', ['-qec', shell, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, TERM: 'xterm', HOME: folder, ZDOTDIR: folder },
    input: `${line}\nexit\n`,
  }).stdout

const terminal = has('script', '--version')

describe.skipIf(!terminal || process.platform !== 'linux').each([
  ['bash', 'bash --norc --noprofile -i', bash],
  ['zsh', 'zsh -f -i', has('zsh', '--version')],
] as const)('in a terminal, %s', (shell, start, there) => {
  test.skipIf(!there).each([
    ['train quick\t', 'train quickstart'],
    ['train quickstart --engine ten\t', 'train quickstart --engine tensorflow'],
    ['train my\t', 'train my own.yaml'],
    ['eval runs/rev\t', 'eval runs/reviews'],
    ['train x --set training.learning\t', 'train x --set training.learning_rate='],
  ])('takes compacter %j for %j', (line, meant) => {
    const echo = `source ${script(shell)}; compacter() { printf 'G''OT:%s:\\n' "$*"; }`
    expect(typed(start, `${echo}\ncompacter ${line}`)).toContain(`GOT:${meant}`)
  })
})
