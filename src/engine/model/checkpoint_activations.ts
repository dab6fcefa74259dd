import type { ComputeLayer, Pass } from '../../backbone/pass.js'
import tf from '../../tensor/tf.cjs'

/** Does something not before a tensor is computed: a captured graph has no order of its own. */
export type After = <T>(tensor: tf.Tensor, body: () => T) => T

/** For code that runs at once, which is in order already. */
export const atOnce: After = (_, body) => body()

/** Makes a pass with the trained tensors, and reports each that is used. */
export type MakePass = (views: tf.Tensor[], used?: (view: number) => void) => Pass

/**
 * Returns a pass that keeps only the inputs of its layers: what a layer computes on its way is dropped, and computed
 * again for the gradient (Chen et al., arXiv 1604.06174).
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

/**
 * Runs `body` on its own tape. When a tape ends, tfjs forgets the current one too, even one that is being played back
 * around it.
 */
function onTapeOfItsOwn<T>(body: () => T): T {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } }
  const { activeTape } = state
  try {
    return body()
  } finally {
    state.activeTape = activeTape
  }
}
