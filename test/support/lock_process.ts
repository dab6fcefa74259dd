// A process that takes a lock and holds it until its standard input ends: tsx test/support/lock_process.ts FILE
// SILENCE_MS [MODE] MODE child: it has started another program meanwhile; blocked: its main thread does nothing else
// for a minute.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { patiently, withLock } from '../../src/base/lock/lock.js'

const [file = '', silence, mode] = process.argv.slice(2)
const say = (line: string) => console.log(line)
say(`pid ${process.pid}`)
const work = async () => {
  if (mode === 'child') say(`child ${spawn('sleep', ['60'], { stdio: 'ignore', detached: true }).pid}`)
  say('held')
  if (mode === 'blocked') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
  process.stdin.resume()
  await once(process.stdin, 'end')
}
await withLock(file, work, { ...patiently(say), silence: Number(silence) })
say('given back')
process.exit(0)
