import { once } from 'node:events'
import { connect } from 'node:net'
import { UserError } from '../../error.js'
import type { ReadTensor } from '../model.js'
import { parseAddress } from './hosts.js'
import { Channel, ChannelError, type Frame, floats, PROTOCOL } from './protocol.js'
import type { Origin } from './resident.js'
import { proof, type Setup, type Versions } from './setup.js'
import type { Share } from './split.js'

export interface ConnectOptions {
  setup: Setup
  /** How many values the trained vector has. */
  size: number
  /** Tensors for a worker that has none of its own. */
  read: ReadTensor
  token: string | undefined
  versions: Versions
  /** Milliseconds in which a worker may still be starting, or ending its last training. */
  patience: number
}

const CONNECT_TIMEOUT = 5000
/** Milliseconds without a sign of life after which a worker is lost; it gives one every five seconds, but not while it captures. */
const SILENCE = 300_000
const RETRY = 250

/** A worker ended, or can't go on. The trainer's state is that of the step before. */
export class WorkerLost extends UserError {
  readonly address: string

  constructor(address: string, step: number, why: string) {
    super({
      at: `worker ${address}`,
      problem: `was lost at step ${step + 1}: ${why}.`,
      remedy: `The state after step ${step} is saved: go on with --resume, with other training.workers if need be. training.on_worker_lost: continue goes on without a lost worker.`,
    })
    this.address = address
  }
}

/** A worker that has its weights and waits for steps. */
export class Connection {
  readonly address: string
  readonly threads: number
  readonly weights: Origin
  readonly #channel: Channel
  readonly #size: number

  constructor(
    channel: Channel,
    { address, threads, weights, size }: Pick<Connection, 'address' | 'threads' | 'weights'> & { size: number },
  ) {
    this.#channel = channel
    this.#size = size
    this.address = address
    this.threads = threads
    this.weights = weights
  }

  /** On the wire so far. */
  get bytes(): Channel['bytes'] {
    return this.#channel.bytes
  }

  /** Mean loss a target token of the share, and its gradient [size]. @throws WorkerLost */
  async gradient(
    vector: Float32Array,
    { batch, part }: Share,
    step: number,
  ): Promise<{ loss: number; gradient: Float32Array }> {
    const { size, sourceLength, targetLength, sourceIds, sourceMask, targetIds, targetMask } = batch
    const header = { kind: 'step', step, size, sourceLength, targetLength, part }
    try {
      const answer = answered(this.#channel, 4 * (1 + this.#size)) // listening before it is sent: a closed socket ends both
      await Promise.all([this.#channel.send(header, vector, sourceIds, sourceMask, targetIds, targetMask), answer])
      const { header: said, payload } = await answer
      if (said.kind === 'failed') throw new ChannelError(`its step failed: ${said.problem}`)
      if (said.kind !== 'gradient' || payload.length !== 4 * (1 + this.#size))
        throw new ChannelError('its answer is no gradient')
      return { loss: floats(payload, 0, 1)[0]!, gradient: floats(payload, 1, this.#size) }
    } catch (error) {
      this.#channel.close()
      throw new WorkerLost(this.address, step, (error as Error).message)
    }
  }

  close(): void {
    void this.#channel
      .send({ kind: 'end' })
      .catch(() => {})
      .then(() => this.#channel.close())
  }
}

/** The next frame that is more than a sign of life. */
async function answered(channel: Channel, limit: number): Promise<Frame> {
  for (;;) {
    const silent = setTimeout(
      () => channel.close(new Error(`nothing was heard of it for ${SILENCE / 60_000} minutes`)),
      SILENCE,
    )
    try {
      const frame = await channel.receive(limit)
      if (frame.header.kind !== 'alive') return frame
    } finally {
      clearTimeout(silent)
    }
  }
}

/**
 * Connects to a worker and gets it ready for a training.
 * @throws UserError naming the worker: not reachable, busy, another token, version of compacter or of TensorFlow.
 */
export async function connectWorker(address: string, options: ConnectOptions): Promise<Connection> {
  const until = performance.now() + options.patience
  for (;;) {
    try {
      return await greet(address, options)
    } catch (error) {
      if (!(error instanceof NotYet) || performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY))
    }
  }
}

/** What may be over in a moment. */
class NotYet extends UserError {}

async function greet(address: string, options: ConnectOptions): Promise<Connection> {
  const channel = await reach(address)
  try {
    const { header: hello } = await channel.receive(0)
    checkVersions(address, hello, options.versions)
    if (hello.token && !options.token) throw refusal(address, 'wants a token.', GIVE_TOKEN)
    const { setup, size, token } = options
    await channel.send({ kind: 'begin', setup, proof: token && proof(token, String(hello.nonce)) })
    const ready = await sendWeights(channel, options)
    if (ready.kind !== 'ready') throw refused(address, ready)
    if (ready.size !== size) throw refusal(address, `trains ${ready.size} parameters, not ${size}.`, SAME_VERSION)
    return new Connection(channel, { address, threads: Number(hello.threads), weights: ready.weights as Origin, size })
  } catch (error) {
    channel.close()
    if (!(error instanceof ChannelError)) throw error
    throw refusal(
      address,
      `answers, but not as a worker does: ${error.message}.`,
      'Look at its output, and correct training.workers if it is another program.',
    )
  }
}

async function reach(address: string): Promise<Channel> {
  const socket = connect(parseAddress(address)!)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT) })
    return new Channel(socket)
  } catch (error) {
    socket.destroy()
    const { code, message, name } = error as NodeJS.ErrnoException
    const why =
      name === 'AbortError' ? `no answer in ${CONNECT_TIMEOUT / 1000} s` : (UNREACHABLE[code ?? ''] ?? message)
    throw new NotYet({
      at: `worker ${address}`,
      problem: `can't be reached: ${why}.`,
      remedy: `Start it there with \`compacter worker --listen ${address}\`, or correct training.workers.`,
    })
  }
}

const UNREACHABLE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EHOSTUNREACH: 'there is no way to the host',
}

const SAME_VERSION = 'Install the same version on both machines.'
const GIVE_TOKEN = "Put the worker's into COMPACTER_WORKER_TOKEN."

const refusal = (address: string, problem: string, remedy?: string): UserError =>
  new UserError({ at: `worker ${address}`, problem, ...(remedy && { remedy }) })

function checkVersions(address: string, hello: Frame['header'], here: Versions): void {
  if (hello.kind !== 'hello' || hello.protocol !== PROTOCOL)
    throw refusal(
      address,
      `speaks protocol ${hello.protocol} of compacter ${hello.compacter}; this is ${PROTOCOL} of ${here.compacter}.`,
      SAME_VERSION,
    )
  if (hello.compacter !== here.compacter)
    throw refusal(address, `runs compacter ${hello.compacter}; this is ${here.compacter}.`, SAME_VERSION)
  if (hello.tensorflow !== here.tensorflow)
    throw refusal(
      address,
      `runs TensorFlow ${hello.tensorflow}; this process runs ${here.tensorflow}.`,
      'Set up the same engine on both machines: `compacter setup`.',
    )
}

function refused(address: string, { why, problem }: Frame['header']): UserError {
  if (why === 'token') return refusal(address, 'refuses the token.', GIVE_TOKEN)
  if (why === 'busy')
    return new NotYet({
      at: `worker ${address}`,
      problem: 'serves another trainer.',
      remedy: 'Wait for it, or name another worker.',
    })
  return refusal(address, `can't take this training: ${problem}.`)
}

/** Answers questions for tensors until the worker says something else. */
async function sendWeights(channel: Channel, { read, setup }: ConnectOptions): Promise<Frame['header']> {
  for (;;) {
    const { header } = await answered(channel, 0)
    if (header.kind !== 'ask') return header
    const { vocabulary, dModel } = setup.backbone.config
    const tensor = read(String(header.tensor))
    const isTable = header.tensor === 'shared.weight' || header.tensor === 'lm_head.weight'
    await channel.send({ kind: 'tensor' }, isTable ? tensor.subarray(0, vocabulary * dModel) : tensor)
  }
}
