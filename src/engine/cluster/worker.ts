import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { UserError } from '../../error.js'
import { elements } from '../../safetensors.js'
import { hideSecrets } from '../../secrets.js'
import type { Library } from '../replay/library.js'
import { type Address, addressText } from './hosts.js'
import { Channel, ChannelError, type Frame, floats, integers, PROTOCOL } from './protocol.js'
import type { FetchTensor, Replica } from './replica.js'
import { type Origin, Resident } from './resident.js'
import { proof, type Setup, sameProof, setupSchema, stepSchema, type Versions } from './setup.js'

export interface WorkerOptions {
  listen: Address
  /** What a trainer must have too. */
  token: string | undefined
  threads: number
  library: Library
  versions: Versions
  log: (line: string) => void
}

/** Milliseconds that a trainer has to say who it is. */
const GREETING = 10_000
/** Milliseconds between two signs of life. */
const HEARTBEAT = 5000
/** Bytes of one tensor at most: the lengths are 32 bits. */
const LARGEST = 2 ** 32 - 1
/** Bytes of a batch's ids and masks at most. */
const LARGEST_BATCH = 2 ** 26
const CONNECTIONS = 16

/**
 * Serves one trainer after the other until it is closed.
 * @throws UserError where the address can't be had, or is not this machine's own and there is no token.
 */
export async function startWorker(options: WorkerOptions): Promise<{ address: string; close(): void }> {
  const { listen, token } = options
  const host = await resolved(listen)
  if (!token && !/^(127\.|::1$)/.test(host)) throw needsToken(listen)
  const worker = new Worker(options)
  const server = createServer((socket) => void worker.serve(socket))
  server.maxConnections = CONNECTIONS
  server.listen(listen.port, host)
  await once(server, 'listening').catch((error) => {
    throw new UserError({
      at: `--listen ${addressText(listen)}`,
      problem: `can't be listened on: ${error.message}.`,
      remedy: 'Choose a free port of this machine.',
    })
  })
  const { address, port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    worker.close()
  }
  return { address: addressText({ host: address, port }), close }
}

async function resolved({ host, port }: Address): Promise<string> {
  try {
    return (await lookup(host)).address
  } catch (error) {
    throw new UserError({
      at: `--listen ${addressText({ host, port })}`,
      problem: `there is no host ${host}: ${(error as Error).message}.`,
    })
  }
}

const needsToken = (listen: Address) =>
  new UserError({
    at: `--listen ${addressText(listen)}`,
    problem: 'can be reached from other machines, and there is no token.',
    remedy:
      'Give worker and trainer the same secret with --token-file or COMPACTER_WORKER_TOKEN, or listen on 127.0.0.1 and come through an SSH tunnel.',
  })

class Worker {
  readonly #options: WorkerOptions
  readonly #resident: Resident
  readonly #open = new Set<Channel>()
  #busy = false

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#resident = new Resident(options.library, options.threads)
  }

  /** Everything that one connection asks for. Whatever comes in, the worker lives on. */
  async serve(socket: Socket): Promise<void> {
    const from = `${socket.remoteAddress}:${socket.remotePort}`
    const channel = new Channel(socket)
    this.#open.add(channel)
    try {
      const setup = await this.#greet(channel)
      if (setup) await this.#alone(() => this.#train(channel, setup, from))
    } catch (error) {
      if (!(error instanceof ChannelError)) this.#options.log(`${from}: ${(error as Error).message}`)
      await channel
        .send({ kind: 'failed', problem: hideSecrets((error as Error).message).slice(0, 2000) })
        .catch(() => {})
    } finally {
      this.#open.delete(channel)
      channel.close()
    }
  }

  close(): void {
    for (const channel of this.#open) channel.close()
  }

  async #greet(channel: Channel): Promise<Setup | undefined> {
    const { token, threads, versions } = this.#options
    const nonce = randomBytes(16).toString('hex')
    const late = setTimeout(() => channel.close(), GREETING)
    try {
      await channel.send({ kind: 'hello', protocol: PROTOCOL, ...versions, threads, token: Boolean(token), nonce })
      const { header } = await channel.receive(0)
      const refuse = (why: string, problem = '') => channel.send({ kind: 'refused', why, problem })
      if (header.kind !== 'begin') return void (await refuse('setup', 'begin was expected'))
      if (token && !sameProof(proof(token, nonce), header.proof)) return void (await refuse('token'))
      if (this.#busy) return void (await refuse('busy'))
      const { success, data, error } = setupSchema.safeParse(header.setup)
      if (success) return data
      return void (await refuse(
        'setup',
        error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
      ))
    } finally {
      clearTimeout(late)
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#busy = true
    try {
      await work()
    } finally {
      this.#busy = false
    }
  }

  async #train(channel: Channel, setup: Setup, from: string): Promise<void> {
    const alive = setInterval(() => channel.send({ kind: 'alive' }).catch(() => {}), HEARTBEAT)
    let steps = 0
    try {
      const [replica, origin] = await this.#resident.replica(setup, asking(channel, setup))
      await channel.send({ kind: 'ready', weights: origin, size: replica.size })
      this.#options.log(`${from}: ${setup.backbone.name}, ${setup.method.kind}; weights: ${ORIGINS[origin]}.`)
      for (;;) {
        const frame = await channel.receive(Math.min(LARGEST, 4 * replica.size + LARGEST_BATCH))
        if (frame.header.kind === 'end') break
        await takeShare(channel, replica, frame)
        steps++
      }
    } finally {
      clearInterval(alive)
      this.#options.log(`${from}: gone after ${steps} steps.`)
    }
  }
}

const ORIGINS: Record<Origin, string> = {
  kept: 'kept from a training before',
  cache: 'from the cache of this machine',
  sent: 'sent by the trainer',
}

/** Reads tensors of the backbone from the trainer. */
function asking(channel: Channel, { backbone }: Setup): FetchTensor {
  return async (tensor) => {
    await channel.send({ kind: 'ask', tensor })
    const { header, payload } = await channel.receive(LARGEST)
    if (header.kind !== 'tensor' || payload.length === 0 || payload.length % 4 > 0)
      throw new ChannelError(`${tensor} of ${backbone.name} was expected`)
    return floats(payload, 0, payload.length / 4)
  }
}

async function takeShare(channel: Channel, replica: Replica, { header, payload }: Frame): Promise<void> {
  const { success, data } = stepSchema.safeParse(header)
  if (!success) throw new ChannelError(`${header.kind}: no step that this protocol has`)
  const { step, part, size, sourceLength, targetLength } = data
  const [sources, targets] = [elements([size, sourceLength]), elements([size, targetLength])]
  const expected = 4 * (replica.size + 2 * sources + 2 * targets)
  if (part.size !== size || part.from + size > part.of || payload.length !== expected)
    throw new ChannelError('a step whose sizes do not agree')
  const values = (from: number, count: number) => integers(payload, replica.size + from, count)
  const batch = {
    rows: [],
    sourceIds: values(0, sources),
    sourceMask: values(sources, sources),
    targetIds: values(2 * sources, targets),
    targetMask: values(2 * sources + targets, targets),
    size,
    sourceLength,
    targetLength,
  }
  const { loss, gradient } = await replica.gradient(floats(payload, 0, replica.size), { batch, part }, step)
  await channel.send({ kind: 'gradient' }, Float32Array.of(loss), gradient)
}
