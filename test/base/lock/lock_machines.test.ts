import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { isLocked } from '../../../src/base/lock/lock.js'
import { ask, folder, lock, pidOf, root } from './asking.js'

const works = (...command: string[]) => spawnSync(command[0]!, command.slice(1)).status === 0

const container = (more: string[] = []) => ['unshare', '-pf', '--kill-child', '--mount-proc', ...more]
const namespaces = works(...container(), 'true')

describe.skipIf(!namespaces)('pid namespaces of one host name (not permitted here: skipped)', () => {
  test('a live lock is not stolen by a namespace that has no such process, or another of its number', async () => {
    const first = ask({ behind: container() })
    await first.says('held')
    expect(await pidOf(first)).toBe(1)
    const second = ask({ behind: container() })
    await second.says(`Waiting: process 1 on ${hostname()} holds ${lock}.`)
    await sleep(1000)
    expect(second.texts()).not.toContain('held')
    expect(await isLocked(lock)).toBe(true)
    first.end()
    await second.says('held')
  })

  test('the lock of a killed pid 1 is free for the pid 1 of the next container', async () => {
    const first = ask({ behind: container() })
    await first.says('held')
    first.process.kill('SIGKILL')
    await first.ended
    expect(existsSync(lock)).toBe(true)
    const next = ask({ behind: container() })
    await next.says('held')
    expect(next.texts()).toEqual(['pid 1', 'held'])
  })
})

/** The environment of a process in which these C functions take the place of the system's. */
function preloaded(name: string, functions: string): NodeJS.ProcessEnv {
  const library = join(root, `${name}.so`)
  execFileSync('gcc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', library], {
    input: `#include <errno.h>\n${functions}\n`,
  })
  return { LD_PRELOAD: library }
}

const NO_LOCKS = (error: string) => `int flock(int fd, int operation) { errno = ${error}; return -1; }`
/** A lock for everyone who asks, as where locks are each machine's own. */
const LOCKS_FOR_ALL = 'int flock(int fd, int operation) { return 0; }'

const compiler = process.platform === 'linux' && works('gcc', '--version')

describe.skipIf(!compiler).each([
  ['ENOLCK', NO_LOCKS('ENOLCK')],
  ['ENOSYS', NO_LOCKS('ENOSYS')],
  [
    'ENOLCK, link EPERM',
    `${NO_LOCKS('ENOLCK')} int link(const char* from, const char* to) { errno = EPERM; return -1; }`,
  ],
])('a file system without locks: flock gives %s (needs gcc)', (name, functions) => {
  test('a holder lives while its heart beats, even if it answers nothing else; the lock of a dead one is taken over', async () => {
    const env = preloaded(name.replace(/\W/g, ''), functions)
    const first = ask({ env, mode: 'blocked' })
    await first.says('held')
    const second = ask({ env, silence: 5000 })
    await second.says(/ and may be dead: it has 5 s to give a sign of life\.$/)
    await second.says(/^Waiting: process /)
    await sleep(6000)
    expect(second.texts()).not.toContain('held')
    first.process.kill('SIGKILL')
    await first.ended
    const killed = performance.now()
    const { at } = await second.says('held')
    expect(at - killed).toBeGreaterThan(2500)
    expect(at - killed).toBeLessThan(8000)
    second.end()
    await second.ended
    expect(readdirSync(folder)).toEqual([])
  })
})

const boot = '/proc/sys/kernel/random/boot_id'
/** In a namespace of mounts and host name of its own, so that the process takes itself for one of another machine. */
function machine(name: string): string[] {
  const id = join(root, name)
  writeFileSync(id, `${name}\n`)
  const script = `hostname ${name} && mount --bind ${id} ${boot} && exec "$@"`
  return ['unshare', '-m', '-u', 'sh', '-c', script, 'sh']
}
const machines = works(...machine('probe'), 'true')

describe.skipIf(!machines || !compiler)('two machines at one folder (needs gcc and mounts)', () => {
  test("with locks that are each machine's own the heartbeat decides", async () => {
    const env = preloaded('local', LOCKS_FOR_ALL)
    const first = ask({ behind: machine('node1'), env })
    await first.says('held')
    const second = ask({ behind: machine('node2'), env, silence: 5000 })
    await second.says(`Waiting: process ${await pidOf(first)} on node1 holds ${lock}.`)
    await sleep(6000)
    expect(second.texts()).not.toContain('held')
    first.process.kill('SIGKILL')
    await second.says('held')
  })

  test('with locks that machines share a living holder is found out at once, a dead one in time', async () => {
    const first = ask({ behind: machine('node1') })
    await first.says('held')
    const second = ask({ behind: machine('node2'), silence: 3000 })
    const waits = await second.says(/^Waiting/)
    expect(second.texts()).toEqual([expect.stringMatching(/^pid/), waits.text])
    first.process.kill('SIGKILL')
    await second.says(/ on node1 holds .* it has 3 s to give a sign of life/)
    await second.says('held')
  })

  test('a holder that was suspended for longer than the silence ends when it finds its lock taken over', async () => {
    const env = preloaded('local', LOCKS_FOR_ALL)
    const first = ask({ behind: machine('node1'), env })
    await first.says('held')
    const pid = await pidOf(first)
    process.kill(pid, 'SIGSTOP')
    const second = ask({ behind: machine('node2'), env, silence: 2000 })
    await second.says('held')
    process.kill(pid, 'SIGCONT')
    expect(await first.ended).toBe(1)
    expect(first.texts().at(-1)).toBe(
      `${lock}: another process took this lock over, since this one (${pid}) had given no sign of life for a minute. ` +
        'This process ends, so that two do not write the same files.',
    )
    second.end()
    await second.ended
    expect(readdirSync(folder)).toEqual([])
  })
})
