// What docs/mpi.md says of ranks, measured on this machine.   npx tsx bench/mpi.bench.ts equal [methods, as in
// test/support/twenty_steps.ts]   ranks beside one process   npx tsx bench/mpi.bench.ts kill [times, default 10]
// kill -9 of one rank at random steps, then --resume   npx tsx bench/mpi.bench.ts speed [backbone, default t5-nano]
// [rows, default 32] [steps, default 20]   a core a rank; needs taskset   npx tsx bench/mpi.bench.ts hosts [rate,
// default 100mbit]                 two network namespaces; root, iproute2, Open MPI The command line is the built one:
// npm run build. test/support/launchers.ts says what launchers are found.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MersenneTwister } from '../src/base/numbers/random.js'
import { openSafetensors } from '../src/base/safetensors/safetensors.js'
import { startDevice } from '../src/engine/device/device.js'
import { smallExperiment } from '../test/support/cli.js'
import { ranksOf } from '../test/support/launched_ranks.js'
import { type Launcher, launchers, startRanks, twentyStepsOnRanks } from '../test/support/launchers.js'
import { METHODS, twentySteps } from '../test/support/twenty_steps.js'
import { speed } from './mpi/speed.js'
import { twoHosts } from './mpi/two_hosts.js'

const RUN = join('bin', 'run.js')
/** Of a run that is killed. */
const STEPS = 30
const [what, ...rest] = process.argv.slice(2)

if (what === 'equal') await equal(rest.length > 0 ? rest : Object.keys(METHODS))
else if (what === 'kill') await kill(Number(rest[0] ?? 10))
else if (what === 'speed') await speed(rest[0] ?? 't5-nano', Number(rest[1] ?? 32), Number(rest[2] ?? 20))
else if (what === 'hosts') await twoHosts(rest[0] ?? '100mbit')
else throw new Error('equal, kill, speed or hosts')
process.exit(0)

async function equal(methods: string[]): Promise<void> {
  const { file } = smallExperiment({
    ...{ seed: 1, steps: 20, batch_size: 7, warmup_steps: 4, evaluate_every: 20, source_length: 32, dropout: 0.1 },
  })
  await startDevice({ engine: 'tensorflow', threads: 1 })
  console.log('| method | ranks | | losses, same shares | values | losses, whole batches | values |')
  console.log('|---|---|---|---|---|---|---|')
  for (const method of methods) {
    const whole = await twentySteps(file, method, 'replay')
    for (const size of [2, 3]) {
      const parts = await twentySteps(file, method, 'replay', { parts: size })
      for (const launcher of launchers) {
        const { losses, vector } = (await twentyStepsOnRanks(launcher, size, file, [method])).get(method)!
        const figures = [
          [losses, parts.losses],
          [vector, parts.vector],
          [losses, whole.losses],
          [vector, whole.vector],
        ].map(([actual, expected]) => worst(actual!, expected!).toExponential(1))
        console.log(`| ${[method, size, launcher.name, ...figures].join(' | ')} |`)
      }
    }
  }
}

/** Largest difference, of the largest expected magnitude. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, scale] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!))
    scale = Math.max(scale, Math.abs(expected[i]!))
  }
  return difference / scale
}

async function kill(times: number): Promise<void> {
  const { file, folder } = smallExperiment({
    ...{ steps: STEPS, batch_size: 4, evaluate_every: 10, checkpoint_every: 3, source_length: 32 },
  })
  const train = (name: string, ...more: string[]) => [
    RUN,
    'train',
    file,
    '--run-dir',
    join(folder, name),
    '--mpi',
    ...more,
  ]
  const finished = async (launcher: Launcher, args: string[]) => {
    const { code, stderr } = await startRanks(launcher, 2, args).ended
    if (code !== 0) throw new Error(stderr)
  }
  for (const launcher of launchers) await finished(launcher, train(`${launcher.name}-unbroken`))
  const chance = new MersenneTwister(times)
  for (let time = 0; time < times; time++) {
    const launcher = launchers[time % launchers.length]!
    const name = `killed-${time}`
    const [rank, after] = [Math.floor(time / launchers.length) % 2, 1 + (chance.uint32() % STEPS)]
    const started = startRanks(launcher, 2, train(name))
    while (logged(join(folder, name)) < after) await new Promise((resolve) => setTimeout(resolve, 2))
    process.kill(ranksOf(join(folder, name)).get(rank)!, 'SIGKILL')
    const from = performance.now()
    const { code } = await started.ended
    const seconds = (performance.now() - from) / 1000
    readable(join(folder, name))
    await finished(launcher, train(name, '--resume'))
    const same = last(join(folder, name)).equals(last(join(folder, `${launcher.name}-unbroken`)))
    const ended = `ended in ${seconds.toFixed(1)} s with ${code}; resumed to ${same ? 'the same bits' : 'OTHER BITS'}`
    console.log(`${launcher.name}: rank ${rank} killed after ${after} lines: ${ended}`)
  }
}

function last(folder: string): Buffer {
  return readFileSync(join(folder, 'last.safetensors'))
}

function logged(folder: string): number {
  const file = join(folder, 'metrics.jsonl')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
}

/** @throws where a file of the run is not whole */
function readable(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name)
    if (name.endsWith('.safetensors')) {
      const opened = openSafetensors(file)
      for (const tensor of opened.entries.keys()) opened.read(tensor)
      opened.close()
    } else if (name.endsWith('.json')) JSON.parse(readFileSync(file, 'utf8'))
  }
}
