// expected: the captured step of one process on the whole batch, which test/engine/oracle.test.ts holds to PyTorch

import { once } from 'node:events'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workersStepper } from '../../src/engine/cluster/stepper.js'
import { assembleTeam } from '../../src/engine/cluster/team.js'
import { startWorker, type WorkerOptions } from '../../src/engine/cluster/worker.js'
import { type Device, startDevice } from '../../src/engine/device.js'
import { learningRate } from '../../src/engine/learning_rate.js'
import { disposeModel, startVector } from '../../src/engine/model.js'
import { startState } from '../../src/engine/optimizer.js'
import { prepareModel, preparePadding } from '../../src/engine/prepare.js'
import { loadLibrary } from '../../src/engine/replay/library.js'
import { replayStepper, type Stepper } from '../../src/engine/stepper.js'
import { loadedTensorflow } from '../../src/engine/tensorflow.js'
import { closeAll, prepare, train } from '../../src/engine/train.js'
import { loadExperiment } from '../../src/experiment/load.js'
import { silent } from '../../src/progress.js'
import { version } from '../../src/root.js'
import { padBatch } from '../../src/task/batches.js'
import { smallExperiment } from '../cli.js'
import { expectClose } from '../close.js'
import { engines } from '../engines.js'
import { type StartedWorker, startWorkerProcess } from '../workers.js'

// a seed with which no unit is 0 up to rounding: such a one has all of its gradient in one process and none in another
const seed = 1
const training = {
  seed,
  steps: 20,
  batch_size: 7,
  warmup_steps: 4,
  evaluate_every: 20,
  source_length: 32,
  dropout: 0.1,
}
const { file, folder } = smallExperiment(training)
const listed = (workers: string[]) => `training.workers=[${workers.map((each) => `"${each}"`).join(', ')}]`
const experimentOn = (workers: string[], sets: string[] = []) =>
  loadExperiment(file, [...(workers.length > 0 ? [listed(workers)] : []), ...sets])

let device: Device

/** A worker in this process: what a trainer says to it before it computes. */
const workerHere = (options: Partial<WorkerOptions>) =>
  startWorker({
    listen: { host: '127.0.0.1', port: 0 },
    token: undefined,
    threads: 1,
    library: loadLibrary(loadedTensorflow()!.engine),
    versions: { compacter: version, tensorflow: device.version },
    log: () => {},
    ...options,
  })

async function twentySteps(workers: string[]): Promise<{ losses: number[]; vector: Float32Array }> {
  const prepared = await prepare(experimentOn(workers), silent)
  const { experiment, backbone } = prepared
  const { ladder } = preparePadding(prepared, 'replay')
  const { learning_rate: peak } = experiment.training
  const model = prepareModel(experiment, backbone, silent)
  const state = startState(startVector(model, backbone.files.read, experiment.training.seed))
  const team = workers.length > 0 ? await assembleTeam(experiment, backbone, device, silent) : undefined
  const stepper: Stepper = team
    ? workersStepper(model, experiment, team, state, () => {})
    : await replayStepper(model, experiment, state, { ...backbone.files, threads: 1 })
  const losses: number[] = []
  for (let step = 0; step < 20; step++) {
    const batch = padBatch(prepared.train.tokens, prepared.plan.batch(step), model.config.padId, ladder)
    losses.push((await stepper.step(batch, learningRate(step, { peak, warmup: 4, steps: 20 }))).result.loss)
  }
  const vector = Float32Array.from(await (await stepper.state()).vector.data())
  stepper.free()
  team?.close()
  disposeModel(model)
  closeAll(prepared)
  return { losses, vector }
}

describe.runIf(engines.includes('tensorflow'))('workers', () => {
  let workers: StartedWorker[] = []
  const everyone: StartedWorker[] = []
  let alone: Awaited<ReturnType<typeof twentySteps>>
  beforeAll(async () => {
    device = await startDevice({ engine: 'tensorflow', threads: 1 })
    workers = await Promise.all([1, 2, 3].map(() => startWorkerProcess()))
    everyone.push(...workers)
  }, 60_000)
  afterAll(() => {
    for (const worker of everyone) worker.process.kill('SIGKILL')
  })

  test('take the twenty steps of one process, dropout and uneven shares and all', { timeout: 60_000 }, async () => {
    alone = await twentySteps([])
    for (const count of [2, 3]) {
      const shared = await twentySteps(workers.slice(0, count).map(({ address }) => address))
      expectClose(shared.losses, alone.losses, { relative: 1e-5, name: `losses of ${count}` })
      expectClose(shared.vector, alone.vector, { relative: 1e-5, name: `trained values of ${count}` })
    }
    expect(workers[0]!.output()).toMatch(
      /weights: from the cache of this machine\.[\s\S]*weights: kept from a training before\./,
    )
  })

  /** Trains on three workers of which one is killed after a step; the run's folder and what came of it. */
  async function killing(onLost: 'stop' | 'continue') {
    const spare = workers[2] ?? (await startWorkerProcess())
    everyone.push(spare)
    const team = [workers[0]!, workers[1]!, spare]
    const victim = team[Math.floor(Math.random() * 3)]!
    const after = 1 + Math.floor(Math.random() * 16)
    const run = join(folder, onLost)
    const addresses = team.map(({ address }) => address)
    const update = (text: string) => {
      if (text.startsWith(`step ${after} of`)) victim.process.kill('SIGKILL')
    }
    const said: string[] = []
    const progress = { ...silent, update, warn: (text: string) => said.push(text) }
    const experiment = experimentOn(addresses, [`training.on_worker_lost=${onLost}`])
    const options = { engine: 'tensorflow' as const, folder: run, resume: false, progress, interrupted: () => false }
    const outcome = await train(experiment, options).catch((error) => error)
    workers = team.filter((worker) => worker !== victim)
    const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n')
    const steps = lines.map((line) => JSON.parse(line)).filter(({ split }) => !split)
    const manifest = JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'))
    return { victim: victim.address, outcome, steps, said, manifest, run, options }
  }

  test('a lost one stops the run with its name, and the run goes on with the rest', { timeout: 60_000 }, async () => {
    const { victim, outcome, steps, run, options } = await killing('stop')
    const last = steps.at(-1).step
    expect(outcome.message).toBe(
      `worker ${victim}: was lost at step ${last + 1}: the connection was closed. The state after step ${last} is saved: go on with --resume, with other training.workers if need be. training.on_worker_lost: continue goes on without a lost worker.`,
    )
    expect(outcome.exitCode).toBe(1)
    expect(existsSync(join(run, 'result.json'))).toBe(false)
    const rest = experimentOn(workers.slice(0, 2).map(({ address }) => address))
    expect((await train(rest, { ...options, resume: true })).steps).toBe(20)
  })

  test('a lost one is gone on without where the experiment says so', { timeout: 60_000 }, async () => {
    const { victim, outcome, steps, said, manifest } = await killing('continue')
    expect(outcome.steps).toBe(20)
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    const [lost] = manifest.workers_lost
    expect(manifest.workers).toHaveLength(3)
    expect(lost.address).toBe(victim)
    expect(said).toContain(
      `worker ${victim} was lost at step ${lost.step}: the connection was closed. The others go on.`,
    )
    expectClose(
      steps.map(({ loss }) => loss),
      alone.losses,
      { relative: 1e-5, name: 'losses' },
    )
  })

  const refused = async (address: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    Object.assign(process.env, env)
    const prepared = await prepare(experimentOn([address]), silent)
    try {
      const team = await assembleTeam(prepared.experiment, prepared.backbone, device, silent)
      team?.close()
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    } finally {
      for (const name of Object.keys(env)) delete process.env[name]
      closeAll(prepared)
    }
  }

  test('another version is one error before anything starts', async () => {
    const old = await workerHere({ versions: { compacter: '0.0.9', tensorflow: device.version } })
    expect(await refused(old.address)).toBe(
      `worker ${old.address}: runs compacter 0.0.9; this is ${version}. Install the same version on both machines.`,
    )
    old.close()
    const other = await workerHere({ versions: { compacter: version, tensorflow: '2.9.1' } })
    expect(await refused(other.address)).toBe(
      `worker ${other.address}: runs TensorFlow 2.9.1; this process runs ${device.version}. Set up the same engine on both machines: \`compacter setup\`.`,
    )
    other.close()
    expect(await refused(other.address)).toBe(
      `worker ${other.address}: can't be reached: nothing listens there. Start it there with \`compacter worker --listen ${other.address}\`, or correct training.workers.`,
    )
  })

  test('a token opens the door, and beyond this machine there is none without', async () => {
    const guarded = await workerHere({ token: 'open sesame' })
    const remedy = "Put the worker's into COMPACTER_WORKER_TOKEN."
    expect(await refused(guarded.address)).toBe(`worker ${guarded.address}: wants a token. ${remedy}`)
    expect(await refused(guarded.address, { COMPACTER_WORKER_TOKEN: 'open wheat' })).toBe(
      `worker ${guarded.address}: refuses the token. ${remedy}`,
    )
    expect(await refused(guarded.address, { COMPACTER_WORKER_TOKEN: 'open sesame' })).toBe('accepted')
    guarded.close()
    await expect(workerHere({ listen: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(
      '--listen 0.0.0.0:0: can be reached from other machines, and there is no token. Give worker and trainer the same secret with --token-file or COMPACTER_WORKER_TOKEN, or listen on 127.0.0.1 and come through an SSH tunnel.',
    )
  })

  test('one trainer at a time', async () => {
    const { address } = workers[0]!
    const prepared = await prepare(experimentOn([address]), silent)
    const team = await assembleTeam(prepared.experiment, prepared.backbone, device, silent)
    expect(await refused(address)).toBe(
      `worker ${address}: serves another trainer. Wait for it, or name another worker.`,
    )
    team!.close()
    expect(await refused(address)).toBe('accepted')
    closeAll(prepared)
  })

  test('weights that a worker does not have are sent', async () => {
    const copy = join(folder, 'another-folder')
    cpSync((await prepared()).backbone.files.folder, copy, { recursive: true })
    const experiment = experimentOn([workers[0]!.address], [`backbone.name=${copy}`, 'training.seed=3'])
    const sent = await prepare(experiment, silent)
    const team = await assembleTeam(sent.experiment, sent.backbone, device, silent)
    expect(team!.members[0]!.weights).toBe('sent')
    expect(team!.workers[0]!.bytes.sent).toBeGreaterThan(4 * 9_000_000)
    team!.close()
    closeAll(sent)
  })

  test('a program that is no worker is told apart', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await refused(address)).toBe(
      `worker ${address}: answers, but not as a worker does: a header of 1347703880 bytes. Look at its output, and correct training.workers if it is another program.`,
    )
    server.close()
  })

  test.each([
    ['lengths beyond the limits', Buffer.from('ffffffffffffffff', 'hex')],
    ['a payload nobody asked for', Buffer.concat([Buffer.from([2, 0, 0, 0, 255, 255, 0, 0]), Buffer.from('{}')])],
    ['a header that is no JSON', Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{{{')])],
    ['a header of the wrong kind', frame({ kind: 'step' })],
    ['a setup of nonsense', frame({ kind: 'begin', setup: { backbone: { config: { dModel: 1e9 } } } })],
    ['half a frame', Buffer.from([9])],
  ])('%s does a worker no harm', async (_, bytes) => {
    const { address } = workers[0]!
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
    await once(socket, 'data')
    socket.write(bytes)
    if (bytes.length === 1) socket.end()
    socket.resume()
    await once(socket, 'close')
    expect(await refused(address)).toBe('accepted')
  })
})

const prepared = () => prepare(experimentOn([]), silent)

function frame(header: object): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  return Buffer.concat([Buffer.from([text.length & 255, text.length >> 8, 0, 0, 0, 0, 0, 0]), text])
}
