import { isEncoder, readsSegments, withDecoder } from '../../backbone/registry.js'
import { hashSeed } from '../../base/numbers/random.js'
import type { Progress } from '../../base/progress.js'
import type { Experiment } from '../../experiment/schema.js'
import { keyOf, regeneratedNormals } from '../../method/intrinsic/regenerated.js'
import { objectiveOf } from '../../objective/of_head.js'
import { type Batch, inMemory, padBatch } from '../../task/tokens/batches.js'
import { startTensorflow } from '../graph/start.js'
import { named } from '../model/layout.js'
import { type Blueprint, blueprintOf, disposeModel, startVector } from '../model/model.js'
import type { Gradient } from '../model/share.js'
import { eagerStepper, replayStepper, type StepSettings } from '../model/stepper.js'
import { startState } from '../optimizer/optimizer.js'
import { type OpenedBackbone, prepareBackbone, prepareModel } from '../prepare/prepare.js'

/** How the replayed gradient of one trained tensor differs from the eager one. */
export interface TensorDifference {
  tensor: string
  shape: number[]
  /** Norm of the eager gradient. */
  norm: number
  /** Norm of the difference, relative to that norm. */
  relative: number
  /** Largest difference of an element. */
  largest: number
  /** `rounding`: beyond the tolerance, but so small in the whole gradient that rounding alone makes as much. */
  verdict: 'within' | 'rounding' | 'differs'
}

/** Both gradients of batches of random ids, of one shape. */
export interface BatchDifference {
  rows: number
  source_length: number
  target_length: number
  /** Batches that were drawn; a tensor has its smallest difference of them. */
  draws: number
  loss: { eager: number; replayed: number; within_tolerance: boolean }
  tensors: TensorDifference[]
}

export interface GradientComparison {
  experiment: string
  backbone: string
  /** The method's kind. */
  method: string
  device: string
  tolerance: number
  batches: BatchDifference[]
  /** Whether both losses agree, and no tensor differs by more than rounding. */
  within_tolerance: boolean
}

/** Rounding alone keeps gradients some 1e-6 apart; a wrong factor or a term that is missing is far above. */
const TOLERANCE = 1e-3

/**
 * Difference that rounding alone can make of any tensor, relative to the whole gradient. A bias of keys moves all
 * scores of a query alike, which softmax undoes: its true gradient is 0, and what is computed is rounding.
 */
const ROUNDING = 5e-6

/**
 * Batches of a shape that are drawn at most. Where a unit of ReLU is 0 up to rounding, one gradient has all of it and
 * the other none; that is so in one batch, while a wrong graph is wrong in all.
 */
const DRAWS = 5

/** Cross-attention multiplies in another order where targets are short: both orders are compared. */
const BATCHES = [
  { rows: 4, source: 24, target: 6 },
  { rows: 3, source: 6, target: 24 },
]

/**
 * Compares the gradients of an experiment's backbone and method as captured graphs and op by op, in float32, on batches
 * of random ids, at a start that is moved: at the start itself many gradients are 0, behind a factor that is.
 * @throws UserError where the engine tensorflow, which alone replays, can't be started
 */
export async function compareGradients(experiment: Experiment, progress: Progress): Promise<GradientComparison> {
  const { device } = await startTensorflow(
    '--gradients',
    'compares with replayed gradients, which need TensorFlow itself',
  )
  const backbone = await prepareBackbone(experiment, progress)
  try {
    const batches = await compared(experiment, backbone, device.threads, progress)
    progress.end()
    return {
      experiment: experiment.name,
      backbone: experiment.backbone.name,
      method: experiment.method.kind,
      device: device.description,
      tolerance: TOLERANCE,
      batches,
      within_tolerance: batches.every(isWithin),
    }
  } finally {
    backbone.files.close()
  }
}

const isWithin = ({ loss, tensors }: BatchDifference): boolean =>
  loss.within_tolerance && tensors.every(({ verdict }) => verdict !== 'differs')

async function compared(
  experiment: Experiment,
  backbone: OpenedBackbone,
  threads: number,
  progress: Progress,
): Promise<BatchDifference[]> {
  const { config, files } = backbone
  const settings: StepSettings = { training: { ...experiment.training, precision: 'float32' } }
  const blueprint = blueprintOf(config, experiment.method)
  const vector = movedStart(blueprint, files.read, settings.training.seed)
  const model = prepareModel(experiment, backbone, progress)
  const eager = eagerStepper(model, settings, startState(vector))
  try {
    const replay = await replayStepper(blueprint, settings, startState(vector), { read: files.read, threads })
    try {
      const differences: BatchDifference[] = []
      for (const shape of BATCHES) {
        const { rows, source, target } = shape
        progress.phase(`Gradients of ${rows} rows, ${source} tokens to ${target}`)
        const draw = async (number: number) => {
          const batch = randomBatch(shape, config, hashSeed(settings.training.seed, number))
          return differenceOf(blueprint, batch, await eager.gradient({ batch }), await replay.gradient({ batch }))
        }
        differences.push(await leastOf(draw))
      }
      return differences
    } finally {
      replay.free()
    }
  } finally {
    eager.free()
    disposeModel(model)
  }
}

/** Draws batches until both gradients agree in every tensor, in one batch or another. */
async function leastOf(draw: (number: number) => Promise<BatchDifference>): Promise<BatchDifference> {
  let least = await draw(0)
  for (let number = 1; number < DRAWS && !isWithin(least); number++) {
    const { tensors } = await draw(number)
    const closer = least.tensors.map((tensor, i) => (tensors[i]!.relative < tensor.relative ? tensors[i]! : tensor))
    least = { ...least, draws: number + 1, tensors: closer }
  }
  return least
}

function movedStart(blueprint: Blueprint, read: (name: string) => Float32Array, seed: number): Float32Array {
  const normals = regeneratedNormals(blueprint.layout.size, keyOf(seed, 'moved start'))
  return startVector(blueprint, read, seed).map((value, i) => value + 0.02 * normals[i]!)
}

/** Rows of random ids, each two shorter than the one before, so that the others are padded. */
function randomBatch(
  { rows, source, target }: (typeof BATCHES)[number],
  config: OpenedBackbone['config'],
  seed: number,
): Batch {
  const { vocabulary, padId } = config
  const ids = (length: number, what: string, row: number) =>
    Int32Array.from({ length: Math.max(1, length - 2 * row) }, (_, i) => hashSeed(seed, what, row, i) % vocabulary)
  const each = <T>(of: (row: number) => T) => Array.from({ length: rows }, (_, row) => of(row))
  const sources = each((row) => ids(source, 'source', row))
  if (isEncoder(config) && config.head) {
    const { objective, row } = objectiveOf(config.head, readsSegments(config))
    const made = sources.map(row)
    const tokens = { source: made.map(({ source }) => source), target: made.map(({ target }) => target) }
    return padBatch(inMemory(tokens, objective), [...made.keys()], padId)
  }
  const { eosId } = withDecoder(config)
  const ended = (row: Int32Array) => row.with(-1, eosId)
  const tokens = { source: sources.map(ended), target: each((row) => ended(ids(target, 'target', row))) }
  return padBatch(inMemory(tokens), [...Array(rows).keys()], padId)
}

/** Both gradients of a batch, tensor by tensor. */
export function differenceOf(
  { layout }: Pick<Blueprint, 'layout'>,
  { size, lengths }: Pick<Batch, 'size' | 'lengths'>,
  eager: Gradient,
  replayed: Gradient,
): BatchDifference {
  const rounding = ROUNDING * normOf(eager.values)
  const theirs = named(layout, replayed.values)
  const tensors = named(layout, eager.values).map(([tensor, { data }], i): TensorDifference => {
    const gradient = data as Float32Array
    const other = theirs[i]![1].data as Float32Array
    const difference = gradient.map((value, at) => other[at]! - value)
    const [norm, distance] = [normOf(gradient), normOf(difference)]
    return {
      tensor,
      shape: layout.specs[i]!.shape,
      norm,
      relative: distance === 0 ? 0 : distance / norm,
      largest: difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      verdict: distance <= TOLERANCE * norm ? 'within' : distance <= rounding ? 'rounding' : 'differs',
    }
  })
  const loss = { eager: eager.loss, replayed: replayed.loss }
  const within_tolerance = Math.abs(loss.replayed - loss.eager) <= TOLERANCE * Math.abs(loss.eager)
  return {
    rows: size,
    source_length: lengths.source,
    target_length: lengths.target,
    draws: 1,
    loss: { ...loss, within_tolerance },
    tensors,
  }
}

const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
