import { nonlinearities } from '../tensor/nonlinearity.js'
import tf from '../tensor/tf.cjs'
import type { CommonConfig } from './family.js'
import { type Site, siteName } from './hooks.js'
import { centredNorm, linearWithBias, type Pass } from './pass.js'

/**
 * LN(h + dropout(hook(S(h), h))): the method sees the sublayer's output and input. h, result [rows, d]. `norm` is the
 * module of LN; without `drops` nothing is dropped out.
 */
export function postNormSublayer(
  pass: Pass<CommonConfig>,
  site: Site,
  h: tf.Tensor2D,
  { norm, drops = true, compute }: { norm: string; drops?: boolean; compute: (h: tf.Tensor2D) => tf.Tensor2D },
): tf.Tensor2D {
  return pass.at(siteName(site), () => {
    const output = compute(h)
    const adapted = pass.hooks.sublayerOutput?.(site, output, h) ?? output
    const dropped = drops ? pass.dropout(adapted, siteName(site)) : adapted
    return centredNorm(pass, tf.add(h, dropped), norm)
  })
}

/** wo·f(wi·x), given the modules of both products. x, result [rows, d] */
export function feedForward(
  pass: Pass<CommonConfig & { activation: keyof typeof nonlinearities }>,
  x: tf.Tensor2D,
  { wi, wo }: { wi: string; wo: string },
): tf.Tensor2D {
  const activate = nonlinearities[pass.config.activation]<tf.Tensor2D>
  return linearWithBias(pass, activate(linearWithBias(pass, x, wi)), wo)
}
