import type { BackboneConfig } from '../../backbone/registry.js'
import tf from '../../tensor/tf.cjs'
import { bottleneckHooks, bottleneckParameters, projections } from '../adapter/bottleneck.js'
import { matrixStart } from '../adapter/start.js'
import type { Method, ParameterSpec, Tensors } from '../method.js'
import type { CompacterOptions } from '../options.js'
import { lowRankPhm, phm } from './phm.js'
import { ruleStart } from './rule_start.js'

/**
 * Adapters whose projections D: d → b and U: b → d are PHM layers, W = Σᵢ Aᵢ ⊗ Bᵢ, with Bᵢ = sᵢ·tᵢ of rank r
 * (Compacter, arXiv 2106.04647 § 4) or stored whole (PHM-adapter). The rule {Aᵢ} is shared by the whole model, or each
 * projection has its own.
 */
export const compacter: Method<CompacterOptions> = {
  weights: 'frozen',
  parameters: (options, config) => [
    ...(options.learn_rule ? rules(options, config) : []),
    ...blocks(options, config),
    ...bottleneckParameters(options, config),
  ],
  constants: (options, config) => (options.learn_rule ? [] : rules(options, config)),
  hooks: (options, config, tensors) =>
    bottleneckHooks(options, config, tensors, (x, name) => product(x, name, options, tensors)),
}

const ruleName = (name: string, { rule }: CompacterOptions) => (rule === 'shared' ? 'rule' : `${name}.rule`)

/** Returns `encoder.3.attention.down`, or just `down` where all down-projections share their blocks. */
const blockName = (name: string, { blocks }: CompacterOptions) =>
  blocks === 'shared' ? name.slice(name.lastIndexOf('.') + 1) : name

/**
 * Returns the rule [n, n, n], whole or as left [n, n, r] · right [n, r, n]: one for the model, or one per projection.
 */
function rules(options: CompacterOptions, config: BackboneConfig): ParameterSpec[] {
  const { n, rank } = options
  const start = ruleStart(options, config)
  const names = new Set(projections(options, config).map(({ name }) => ruleName(name, options)))
  return [...names].flatMap((name): ParameterSpec[] =>
    options.rule_factors === 'full'
      ? [{ name, shape: [n, n, n], start }]
      : [
          { name: `${name}.left`, shape: [n, n, rank], start },
          { name: `${name}.right`, shape: [n, rank, n], start },
        ],
  )
}

/** Returns the factors s [n, in/n, r] and t [n, r, out/n] of every projection, or B [n, in/n, out/n]. */
function blocks(options: CompacterOptions, config: BackboneConfig): ParameterSpec[] {
  const { n, rank } = options
  const start = matrixStart(options)
  const byName = new Map(
    projections(options, config).map((projection) => [blockName(projection.name, options), projection]),
  )
  return [...byName].flatMap(([name, { inputs, outputs }]): ParameterSpec[] =>
    options.factors === 'full'
      ? [{ name: `${name}.b`, shape: [n, inputs / n, outputs / n], start }]
      : [
          { name: `${name}.s`, shape: [n, inputs / n, rank], start },
          { name: `${name}.t`, shape: [n, rank, outputs / n], start },
        ],
  )
}

function product(x: tf.Tensor2D, projection: string, options: CompacterOptions, tensors: Tensors): tf.Tensor2D {
  const rule = ruleName(projection, options)
  const A =
    options.rule_factors === 'full' ? tensors(rule) : tf.matMul(tensors(`${rule}.left`), tensors(`${rule}.right`))
  const block = blockName(projection, options)
  if (options.factors === 'full') return phm(x, A as tf.Tensor3D, tensors(`${block}.b`) as tf.Tensor3D)
  return lowRankPhm(x, A as tf.Tensor3D, tensors(`${block}.s`) as tf.Tensor3D, tensors(`${block}.t`) as tf.Tensor3D)
}
