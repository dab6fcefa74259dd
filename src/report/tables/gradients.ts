import { counted } from '../../base/text/counted.js'
import type { GradientComparison, TensorDifference } from '../../engine/replay/gradients.js'
import { type Column, drawTable } from './table.js'

const COLUMNS: Column[] = [
  { head: 'tensor' },
  { head: 'shape', importance: 1 },
  { head: 'gradient', right: true, importance: 2 },
  { head: 'difference', right: true },
  { head: 'largest', right: true, importance: 3 },
  { head: '' },
]

/** What `compacter doctor --gradients` prints: a row per trained tensor, from the batch in which it differs more. */
export function gradientsTable(comparison: GradientComparison): string {
  const { method, backbone, device, batches } = comparison
  const tensors = worstOf(batches.map(({ tensors }) => tensors))
  const rows = tensors.map(({ tensor, shape, norm, relative, largest, verdict }) => [
    tensor,
    shape.join(' × '),
    ...[norm, relative, largest].map((number) => number.toExponential(1)),
    verdict,
  ])
  const shapes = batches.map((batch) => `${batch.rows} × ${batch.source_length} to ${batch.target_length}`)
  return [
    `Gradients of ${method} on ${backbone}, replayed and op by op: ${device}. Batches of random ids, rows × ` +
      `tokens: ${shapes.join(', ')}.`,
    drawTable(COLUMNS, rows),
    'gradient: its norm; difference: its norm, relative to that; largest: of an element.',
    conclusion(comparison, tensors),
  ].join('\n')
}

function worstOf([first = [], ...others]: TensorDifference[][]): TensorDifference[] {
  return first.map((tensor, i) =>
    others.reduce((worst, batch) => (batch[i]!.relative <= worst.relative ? worst : batch[i]!), tensor),
  )
}

function conclusion({ batches, tolerance, within_tolerance }: GradientComparison, tensors: TensorDifference[]): string {
  const rounding = tensors.some(({ verdict }) => verdict === 'rounding') ? ', or differ by rounding alone' : ''
  if (within_tolerance)
    return `All ${counted(tensors.length, 'tensor')} and both losses are within ${tolerance}${rounding}.`
  const differing = tensors.filter(({ verdict }) => verdict === 'differs')
  const losses = batches.filter(({ loss }) => !loss.within_tolerance)
  return [
    ...losses.map(({ loss }) => `The losses differ: ${loss.replayed} replayed, ${loss.eager} op by op.`),
    ...(differing.length > 0
      ? [
          `${differing.length} of ${counted(tensors.length, 'tensor')} ` +
            `${differing.length === 1 ? 'differs' : 'differ'} by more than ${tolerance}.`,
        ]
      : []),
    'Train with --set training.engine_mode=eager, and please report this.',
  ].join(' ')
}
