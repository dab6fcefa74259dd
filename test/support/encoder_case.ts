import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Head } from '../../src/backbone/family.js'
import { contextual, headLogits } from '../../src/backbone/forward.js'
import { type Pass, unnamed } from '../../src/backbone/pass.js'
import { encoderFamilyOf, onlyEncoder, parseConfig } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { type After, checkpointingActivations } from '../../src/engine/model/checkpoint_activations.js'
import { gathered, type Layout, layoutOf, unflatten } from '../../src/engine/model/layout.js'
import { blueprintOf } from '../../src/engine/model/model.js'
import { type MethodOptions, methodOptions } from '../../src/method/options.js'
import { crossEntropy } from '../../src/tensor/cross_entropy.js'
import { type Dropout, noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'

const NOTHING = methodOptions.parse({ kind: 'prompt_tuning', length: 1 })

/** An encoder with a method and a head on the device, and what PyTorch computed with it. */
export interface EncoderCase {
  layout: Layout
  /** The trained values before the first step, the head's last. */
  start: Float32Array
  illConditioned: string[]
  learningRate: number
  read(name: string): Float32Array
  /** Whether each row of the logits is of a token, not of padding. */
  answers: boolean[]
  /** The logits of the case's batch. */
  logits(views: tf.Tensor[], dropout?: Dropout, after?: After): tf.Tensor2D
  /** The mean cross-entropy. */
  loss(logits: tf.Tensor2D): tf.Scalar
  dispose(): void
}

/** Opens a case of test/oracle/encoders.py. */
export function openEncoderCase(modelType: string, name: string): EncoderCase {
  const folder = join(packageRoot, 'test/fixtures', `${modelType}-tiny`)
  const file = openSafetensors(join(folder, `${name}.safetensors`))
  const stated = JSON.parse(file.metadata.case!) as {
    method: { kind: string }
    head: Head['kind']
    labels: number
    learning_rate: number
    ill_conditioned: string[]
  }
  const configFile = join(folder, 'config.json')
  const whole = onlyEncoder(parseConfig(JSON.parse(readFileSync(configFile, 'utf8')), configFile, folder))
  const head: Head = { kind: stated.head, labels: stated.labels }
  const family = encoderFamilyOf(whole)
  const config = family.forHead(whole, head)
  const options: MethodOptions | undefined =
    stated.method.kind === 'none' ? undefined : methodOptions.parse(stated.method)
  const { method, layout: own } = blueprintOf(config, options ?? NOTHING)
  const headSpecs = [...family.headTensors(config, head)].map(([name, { shape }]) => ({
    name,
    shape,
    start: { kind: 'zeros' } as const,
  }))
  const layout = layoutOf([...(options ? own.specs : []), ...headSpecs])
  const trained = new Map(layout.specs.map(({ name }, i) => [name, i]))
  const { readBackbone, close } = backboneValues(folder)
  const frozen = new Map(
    [...family.tensors(config)].flatMap(([name, spec]) =>
      trained.has(name) ? [] : [[name, tf.tensor(readBackbone(name), spec.shape)] as const],
    ),
  )
  close()
  const [rows, length] = file.entries.get('input_ids')!.shape as [number, number]
  const ints = (name: string) => tf.tensor2d(file.readInts(name), [rows, length], 'int32')

  const passWith = (views: tf.Tensor[], dropout: Dropout, used?: (view: number) => void): Pass => {
    const view = (name: string) => {
      const index = trained.get(name)
      if (index === undefined) return undefined
      used?.(index)
      return views[index]!
    }
    const missing = (name: string): never => {
      throw new Error(`no tensor ${name}`)
    }
    const hooks = options ? method.hooks(options, config, (name) => view(name) ?? missing(name)) : {}
    const weight = (name: string) => view(name) ?? frozen.get(name) ?? missing(name)
    return { config, weight, hooks, dropout, at: unnamed }
  }

  return {
    layout,
    start: gathered(layout, ({ name }) => file.read(`trained/${name}`)),
    illConditioned: stated.ill_conditioned,
    learningRate: stated.learning_rate,
    answers:
      head.kind === 'tokens' ? [...file.readInts('attention_mask')].map((one) => one === 1) : Array(rows).fill(true),
    read: (name) => file.read(name),
    logits(views, dropout = noDropout, after) {
      const make = (views: tf.Tensor[], used?: (view: number) => void) => passWith(views, dropout, used)
      const pass = after ? checkpointingActivations(make, views, after) : make(views)
      const segments = file.entries.has('token_type_ids') ? { segments: ints('token_type_ids') } : {}
      const encoded = contextual(pass, { ids: ints('input_ids'), mask: ints('attention_mask'), ...segments }, head)
      return headLogits(pass, encoded, head)
    },
    loss(logits) {
      const classes = head.kind === 'choice' ? tf.reshape(logits, [-1, 2]) : logits
      const labels = tf.tensor1d(file.readInts('labels'), 'int32')
      const counted = tf.cast(tf.greaterEqual(labels, 0), 'int32') as tf.Tensor1D // −100: left out
      return crossEntropy(classes as tf.Tensor2D, tf.mul(labels, counted), counted)
    },
    dispose() {
      tf.dispose([...frozen.values()])
      file.close()
    },
  }
}

function backboneValues(folder: string) {
  const { read, close } = openSafetensors(join(folder, 'model.safetensors'))
  return { readBackbone: read, close }
}

/** Loss and gradient of a case with these trained values. */
export function encoderGradient(one: EncoderCase, vector: tf.Tensor1D, after?: After) {
  const views = unflatten(one.layout, vector)
  const { value, grads } = tf
    .engine()
    .gradients(() => one.loss(one.logits(views, noDropout, after)), views, undefined, true)
  return { loss: value as tf.Scalar, grads }
}
