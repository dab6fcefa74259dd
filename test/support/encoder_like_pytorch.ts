import type { After } from '../../src/engine/model/checkpoint_activations.js'
import { flatten, named, unflatten } from '../../src/engine/model/layout.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from './close.js'
import { encoderGradient, openEncoderCase } from './encoder_case.js'

/**
 * On the engine that is set: an encoder's logits, loss and the gradient of every trained tensor are PyTorch's, to 1e-4
 * of a tensor's largest; the gradient in each of these ways.
 */
export async function expectEncoderLikePyTorch(
  model: string,
  name: string,
  ways: readonly (After | undefined)[] = [undefined],
): Promise<void> {
  const one = openEncoderCase(model, name)
  const vector = tf.tensor1d(one.start)
  const logits = tf.tidy(() => one.logits(unflatten(one.layout, vector)))
  const answers = (values: ArrayLike<number>) =>
    Array.from(values).filter((_, i) => one.answers[Math.floor((i * one.answers.length) / values.length)])
  expectClose(answers(await logits.data()), answers(one.read('logits')), { relative: 1e-4, name: 'logits' })
  for (const way of ways) {
    const { loss, gradient } = tf.tidy(() => {
      const { loss, grads } = encoderGradient(one, vector, way)
      return { loss, gradient: flatten(one.layout, grads) }
    })
    expectClose(await loss.data(), one.read('loss'), { relative: 1e-4, name: 'loss' })
    for (const [tensor, { data }] of named(one.layout, (await gradient.data()) as Float32Array)) {
      if (one.illConditioned.includes(tensor)) continue
      expectClose(data as Float32Array, one.read(`gradient/${tensor}`), { relative: 1e-4, name: tensor })
    }
    tf.dispose([loss, gradient])
  }
  one.dispose()
  tf.dispose([vector, logits])
}
