import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isLocked, once, patiently, withLock } from '../../../src/base/lock/lock.js'
import { packageRoot } from '../../../src/base/root.js'

const root = mkdtempSync(join(tmpdir(), 'compacter-lock-'))
afterAll(() => rmSync(root, { recursive: true }))

let folder: string
let lock: string
let started: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
  lock = join(folder, 'the.lock')
  started = []
})
afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
})

const SCRIPT = join(packageRoot, 'test', 'support', 'lock_process.ts')
const NODE = [process.execPath, '--import', 'tsx', SCRIPT]

/** A process that asks for the lock, behind other programs such as unshare; `silence` in ms. */
function ask({ behind = [] as string[], env = {}, silence = 60_000, mode = '' } = {}) {
  const [program = '', ...args] = [...behind, ...NODE, lock, `${silence}`, mode]
  const process = spawn(program, args, {
    cwd: packageRoot,
    env: { ...globalThis.process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  started.push(process)
  const lines: { text: string; at: number }[] = []
  const note = (data: Buffer) => {
    for (const text of data.toString().split('\n').filter(Boolean)) lines.push({ text, at: performance.now() })
  }
  process.stdout.on('data', note)
  process.stderr.on('data', note)
  const texts = () => lines.map(({ text }) => text)
  return {
    process,
    lines,
    texts,
    says: (text: string | RegExp) =>
      vi.waitUntil(() => lines.find((line) => (typeof text === 'string' ? line.text === text : text.test(line.text))), {
        timeout: 40_000,
        interval: 20,
      }),
    end: () => process.stdin.end(),
    ended: new Promise<number | null>((done) => process.on('close', done)),
  }
}

type Asking = ReturnType<typeof ask>
const pidOf = async (asking: Asking) => Number((await asking.says(/^pid /)).text.slice(4))

test('a lock is waited for while its holder lives, is reported at once, and leaves nothing behind', async () => {
  const first = ask()
  await first.says('held')
  expect(await isLocked(lock)).toBe(true)
  const second = ask()
  const { at } = await second.says(/^pid /)
  const told = await second.says(/^Waiting/)
  expect(told.text).toBe(`Waiting: process ${await pidOf(first)} on ${hostname()} holds ${lock}.`)
  expect(told.at - at).toBeLessThan(1000)
  first.end()
  await second.says('held')
  expect(first.texts()).toContain('given back')
  second.end()
  await second.ended
  expect(readdirSync(folder)).toEqual([])
  expect(await isLocked(lock)).toBe(false)
})

test('within one process, too', async () => {
  const order: string[] = []
  const work = (name: string) => async () => {
    order.push(`${name} begins`)
    await sleep(300)
    order.push(`${name} ends`)
  }
  const waits = patiently(() => order.push('waits'))
  await Promise.all([withLock(lock, work('first'), waits), withLock(lock, work('second'), waits)])
  expect(order.filter((what) => what !== 'waits')).toEqual([
    'first begins',
    'first ends',
    'second begins',
    'second ends',
  ])
  expect(order.filter((what) => what === 'waits')).toHaveLength(1)
  expect(order.indexOf('waits')).toBeLessThan(order.indexOf('first ends'))
})

test('work that fails gives the lock back', async () => {
  const failing = withLock(lock, () => Promise.reject(new Error('broke')), patiently(expect.fail))
  await expect(failing).rejects.toThrow('broke')
  expect(readdirSync(folder)).toEqual([])
})

test('who will not wait does not', async () => {
  const first = ask()
  await first.says('held')
  const refusing = withLock(lock, async () => expect.fail('held by two'), {
    busy: ({ file, host, pid }) => {
      throw new Error(`${file} ${host} ${pid}`)
    },
    say: expect.fail,
  })
  await expect(refusing).rejects.toThrow(`${lock} ${hostname()} ${await pidOf(first)}`)
})

test("a killed holder's lock is free at once, also while its children live", async () => {
  const first = ask({ mode: 'child' })
  await first.says('held')
  const child = Number((await first.says(/^child/)).text.slice(6))
  first.process.kill('SIGKILL')
  await new Promise((done) => first.process.once('exit', done))
  const begin = performance.now()
  await withLock(lock, async () => {}, patiently(expect.fail))
  expect(performance.now() - begin).toBeLessThan(500)
  process.kill(child, 'SIGKILL') // it was alive until here
  expect(readdirSync(folder)).toEqual([])
})

test('a holder that is killed and not waited for by its parent, a zombie, does not hold the lock', async () => {
  // `exec` makes the shell a program that never waits for the child it has
  const parent = ask({ behind: ['sh', '-c', '"$@" & echo child $!; exec sleep 60', 'sh'] })
  await parent.says('held')
  const pid = Number((await parent.says(/^child/)).text.slice(6))
  process.kill(pid, 'SIGKILL')
  await vi.waitUntil(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
  // its other threads end a little later, and its files are closed when the last of them has
  await vi.waitUntil(async () => !(await isLocked(lock)), 30_000)
  await withLock(lock, async () => {}, patiently(expect.fail))
})

test('of many that find the holder dead, one has the lock at a time', async () => {
  const first = ask()
  await first.says('held')
  first.process.kill('SIGKILL')
  await first.ended
  let inside = 0
  const work = async () => {
    expect(++inside).toBe(1)
    await sleep(10)
    inside--
  }
  await Promise.all(
    Array.from({ length: 12 }, () =>
      withLock(
        lock,
        work,
        patiently(() => {}),
      ),
    ),
  )
  expect(readdirSync(folder)).toEqual([])
})

test('four processes add to one number 40 times each, and some are killed in between', async () => {
  const number = join(folder, 'number')
  writeFileSync(number, '0')
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs'
    import { withLock, patiently } from './src/base/lock/lock.ts'
    const [lock, number, killed] = process.argv.slice(1)
    for (let i = 0; i < 40; i++)
      await withLock(lock, async () => {
        const before = Number(readFileSync(number, 'utf8'))
        if (killed && i === 20) process.kill(process.pid, 'SIGKILL')
        await new Promise((done) => setTimeout(done, 2))
        writeFileSync(number, String(before + 1))
      }, patiently(() => {}))
    process.exit(0)`
  const run = (killed: string) => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', script, lock, number, killed]
    const child = spawn(process.execPath, args, { cwd: packageRoot, stdio: 'inherit' })
    return new Promise((done) => child.on('close', done))
  }
  await Promise.all([run(''), run('killed'), run(''), run('killed')])
  expect(readFileSync(number, 'utf8')).toBe(String(40 + 20 + 40 + 20))
  await withLock(lock, async () => {}, patiently(expect.fail))
  expect(readdirSync(folder)).toEqual(['number'])
})

test.each([
  ['of a process number that lives here', () => `${hostname()} ${process.pid}`],
  ['of another host', () => 'elsewhere 1'],
  ['that is empty', () => ''],
  ['that is no lock', () => '{"owner":'],
])('an old lock file %s holds nobody up, once it is silent', async (_, content) => {
  writeFileSync(lock, content())
  const told: string[] = []
  await withLock(lock, async () => {}, { ...patiently((line) => told.push(line)), silence: 1000 })
  expect(told).toEqual([
    expect.stringMatching(/ holds .*the\.lock and may be dead: it has 1 s to give a sign of life\.$/),
  ])
  expect(readdirSync(folder)).toEqual([])

  writeFileSync(lock, content())
  utimesSync(lock, new Date(), new Date(Date.now() - 121_000))
  await withLock(lock, async () => {}, patiently(expect.fail))
  expect(readdirSync(folder)).toEqual([])
})

test('a version that only touches its lock file is not robbed', async () => {
  writeFileSync(lock, 'elsewhere 1')
  const touching = setInterval(() => {
    if (existsSync(lock)) utimesSync(lock, new Date(), new Date())
  }, 500)
  try {
    expect(await isLocked(lock)).toBe(true)
    const refusing = withLock(lock, async () => expect.fail('robbed'), {
      busy: ({ host, pid }) => {
        throw new Error(`${host} ${pid}`)
      },
      say: () => {},
      silence: 2000,
    })
    await expect(refusing).rejects.toThrow('elsewhere 1')
  } finally {
    clearInterval(touching)
  }
})

test('a folder in the place of the lock file is named', async () => {
  await expect(withLock(folder, async () => {}, patiently(expect.fail))).rejects.toThrow(
    `${folder}: the lock file cannot be read (EISDIR).`,
  )
})

test('once: what another process has made meanwhile is not made again', async () => {
  const target = join(folder, 'target')
  let made = 0
  const make = async () => {
    made++
    await sleep(200)
    writeFileSync(target, '')
  }
  await Promise.all(Array.from({ length: 3 }, () => once(target, make, () => {})))
  expect(made).toBe(1)
  expect(readdirSync(folder)).toEqual(['target'])
})

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
