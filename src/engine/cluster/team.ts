import { UserError } from '../../error.js'
import type { Experiment } from '../../experiment/schema.js'
import type { Progress } from '../../progress.js'
import { version } from '../../root.js'
import type { Device } from '../device.js'
import { blueprintOf } from '../model.js'
import type { OpenedBackbone } from '../prepare.js'
import { type Connection, connectWorker } from './client.js'
import { workerAddresses } from './hosts.js'

/** The workers of a training. */
export interface Team {
  /** Those that are there; a lost one leaves. */
  workers: Connection[]
  /** What the manifest says of them. */
  members: { address: string; threads: number; weights: Connection['weights'] }[]
  lost: { address: string; step: number }[]
  close(): void
}

/** Milliseconds in which workers may still be starting: srun starts them beside the trainer. */
const PATIENCE = { slurm: 60_000, listed: 2000 }

/**
 * Connects to every worker of `training.workers` and gets them ready; undefined where there are none.
 * @throws UserError naming the first that can't be had.
 */
export async function assembleTeam(
  experiment: Experiment,
  { files, config }: OpenedBackbone,
  device: Device,
  progress: Progress,
): Promise<Team | undefined> {
  const { workers: wanted, seed, dropout, precision, checkpoint_activations } = experiment.training
  if (!wanted) return undefined
  if (device.engine !== 'tensorflow') throw needsTensorflow(device)
  const { size } = blueprintOf(config, experiment.method).layout
  if (4 * size > LARGEST_VECTOR) throw tooLarge(size)
  const addresses = workerAddresses(wanted)
  progress.phase(`${addresses.length} workers`)
  const { name } = experiment.backbone
  const setup = {
    backbone: { name, sha256: files.hash(), config },
    method: experiment.method,
    seed,
    dropout: dropout ?? config.dropout,
    precision,
    checkpointActivations: checkpoint_activations,
  }
  const options = {
    setup,
    size,
    read: files.read,
    token: process.env.COMPACTER_WORKER_TOKEN || undefined,
    versions: { compacter: version, tensorflow: device.version },
    patience: wanted === 'slurm' ? PATIENCE.slurm : PATIENCE.listed,
  }
  const outcomes = await Promise.allSettled(addresses.map((address) => connectWorker(address, options)))
  const workers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  const close = () => {
    for (const worker of workers) worker.close()
  }
  if (failed) {
    close()
    throw failed.reason
  }
  const members = workers.map(({ address, threads, weights }) => ({ address, threads, weights }))
  for (const { address, threads, weights } of members)
    progress.note(`Worker ${address}: ${threads} CPU thread${threads === 1 ? '' : 's'}, weights ${WEIGHTS[weights]}.`)
  return { workers, members, lost: [], close }
}

/** A frame's length is 32 bits; the batch goes with the vector. */
const LARGEST_VECTOR = 2 ** 32 - 2 ** 26

const tooLarge = (size: number) =>
  new UserError({
    at: 'training.workers',
    problem: `can't share ${size} trained parameters: they are sent whole at each step, ${LARGEST_VECTOR / 4} at most.`,
    remedy: 'Train with a method that has fewer, or in one process.',
  })

const WEIGHTS = { kept: 'kept from before', cache: 'from its own cache', sent: 'sent to it' }

const needsTensorflow = ({ engine }: Device) =>
  new UserError({
    at: 'training.workers',
    problem: `needs the engine tensorflow, as the workers have it; this process has ${engine}.`,
    remedy: 'Use --engine tensorflow.',
  })
