import type { ComputeLayer, Pass } from '../../backbone/pass.js'
import tf from '../../tensor/tf.cjs'

/** Does something no earlier than a tensor is there: what is captured has no order of its own. */
export type After = <T>(tensor: tf.Tensor, body: () => T) => T

/** Where what is done is done at once, it has an order already. */
export const atOnce: After = (_, body) => body()

/** Makes a pass of the trained tensors, and tells of each that is used. */
export type MakePass = (views: tf.Tensor[], used?: (view: number) => void) => Pass

/**
 * A pass that keeps the inputs of its layers alone: what a layer makes on its way is forgotten, and made again when the
 * gradient comes to it (Chen et al., arXiv 1604.06174).
 */
export function checkpointingActivations(makePass: MakePass, views: tf.Tensor[], after: After): Pass {
  const layer: ComputeLayer = (inputs, compute) => {
    const names = Object.keys(inputs)
    const used = new Set<number>()
    const inputsOf = (tensors: tf.Tensor[]) =>
      Object.fromEntries(names.map((name, i) => [name, tensors[i]])) as typeof inputs
    const forgetting = tf.customGrad(() => ({
      value: tf.tidy(() =>
        compute(
          makePass(views, (view) => used.add(view)),
          inputs,
        ),
      ),
      gradFunc: () => [],
    }))
    const output = forgetting()
    const again = tf.customGrad((...tensors) => {
      const save = tensors.pop() as unknown as tf.GradSaveFunc
      save(tensors as tf.Tensor[])
      return {
        value: tf.clone(output),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => after(dy, () => gradients(dy, saved)),
      }
    })
    const gradients = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const own = saved.slice(names.length)
      const replaced = [...views]
      for (const [i, view] of [...used].entries()) replaced[view] = own[i]!
      const forward = () => compute(makePass(replaced), inputsOf(saved))
      const { grads } = onTapeOfItsOwn(() => tf.engine().gradients(forward, saved, dy, true))
      return grads.map((gradient, i) => gradient ?? tf.zerosLike(saved[i]!))
    }
    return again(...Object.values(inputs), ...[...used].map((view) => views[view]!)) as tf.Tensor2D
  }
  return { ...makePass(views), layer }
}

/** A tape that ends is forgotten, also the one that is just being played back around it. */
function onTapeOfItsOwn<T>(body: () => T): T {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } }
  const { activeTape } = state
  try {
    return body()
  } finally {
    state.activeTape = activeTape
  }
}
