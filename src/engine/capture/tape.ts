import tf from '../../tensor/tf.cjs'

/**
 * A recorded operation of tfjs, with the function that computes its gradient: from those of its outputs, by the names
 * of its inputs.
 */
interface TapeNode {
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor>
}

/** Returns what computes within something, for operations whose outputs have the gradients `dys`. */
export type Around = (dys: tf.Tensor[]) => <T>(compute: () => T) => T

/** The operations that tfjs will walk back for a gradient; null where no gradient is being taken. */
const tape = () => (tf.engine() as unknown as { state: { activeTape: TapeNode[] | null } }).state.activeTape

/** Runs `body`; what tfjs computes later as the gradient of its operations is computed within `around`. */
export function aroundGradients<T>(body: () => T, around: Around): T {
  const before = tape()
  const from = before?.length ?? 0
  const result = body()
  const after = tape()
  if (after && after === before) for (const node of after.slice(from)) wrap(node, around)
  return result
}

/** tfjs computes the gradient for each input when it gets there. */
function wrap(node: TapeNode, around: Around): void {
  const { gradient } = node
  if (!gradient) return
  node.gradient = (dys) => {
    const within = around(dys) // now: dys may be disposed of when the last input's turn comes
    const ofInputs = Object.entries(within(() => gradient(dys)))
    return Object.fromEntries(ofInputs.map(([input, compute]) => [input, () => within(compute)]))
  }
}
