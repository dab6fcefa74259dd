import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { start } from '../support/cli.js'

let folder: string
const path = (...names: string[]) => join(folder, ...names)

/** A program of the PATH: what it does, as a shell script. */
function program(name: string, script: string): void {
  writeFileSync(path('bin', name), `#!/bin/sh\n${script}\n`)
  chmodSync(path('bin', name), 0o755)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compacter-setup-'))
  mkdirSync(path('bin'))
  program('g++', 'exit 0')
  program('nvidia-smi', 'exit 1')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Notes its own process and one that it starts, and downloads half of a file. */
const PIP = `
case "$*" in *--version*) exit 0;; esac
while [ "$1" != -d ]; do shift; done
echo half > "$2/tensorflow.whl"
echo half > "$TMPDIR/unpacking"
sleep 1000 &
echo $$ $! > "$NOTE.part" && mv "$NOTE.part" "$NOTE"
wait
sleep 1000`

/** A zombie, which nobody waits for in some containers, is none. */
const alive = (pid: number): boolean => {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'))
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await sleep(10)
}

describe.skipIf(process.platform !== 'linux')('a set-up that a signal stops', () => {
  test.each([
    ['SIGTERM', 'ends at once', ''],
    ['SIGINT', 'ends at once', ''],
    ['SIGHUP', 'ends at once', ''],
    ['SIGTERM', 'does not hear', "trap '' TERM"],
  ] as const)('by %s ends a pip that %s and what pip started, and leaves nothing', async (signal, _, first) => {
    program('python3', `${first}\n${PIP}`)
    const note = path('note')
    const env = { PATH: `${path('bin')}:${process.env.PATH}`, COMPACTER_CACHE: path('cache'), NOTE: note }
    const { process: setup, ended } = start(['setup', '--from', 'wheel'], env)
    await until(() => existsSync(note))
    const pids = readFileSync(note, 'utf8').split(' ').map(Number)
    expect(pids.map(alive)).toEqual([true, true])
    expect(readdirSync(path('cache', 'engines')).filter((name) => name.startsWith('.partial-')).length).toBe(1)
    setup.kill(signal)
    const { code, stdout, stderr } = await ended
    expect([code, stdout, stderr.trimEnd().split('\n').at(-1)]).toEqual([
      130,
      '',
      'Stopped; the partial setup was removed.',
    ])
    await until(() => !pids.some(alive))
    expect(readdirSync(path('cache', 'engines')).filter((name) => name !== '.lock')).toEqual([])
  })
})
