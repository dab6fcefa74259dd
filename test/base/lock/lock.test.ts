import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { isLocked, once, patiently, withLock } from '../../../src/base/lock/lock.js'
import { packageRoot } from '../../../src/base/root.js'
import { ask, folder, lock, pidOf } from './asking.js'

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
