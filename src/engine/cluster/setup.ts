import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { methodOptions } from '../../method/options.js'

const size = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)
const id = z.int().min(0)
const fraction = z.number().min(0).lt(1)

const backboneConfig = z.strictObject({
  dModel: size,
  dKv: size,
  dFf: size,
  encoderLayers: size,
  decoderLayers: size,
  heads: size,
  relativeBuckets: size,
  relativeMaxDistance: size,
  vocabulary: size,
  layerNormEpsilon: fraction,
  dropout: fraction,
  activation: z.enum(['gelu_new', 'gelu', 'relu', 'swish']),
  gated: z.boolean(),
  tiedHead: z.boolean(),
  scaledHead: z.boolean(),
  padId: id,
  eosId: id,
  decoderStartId: id,
})

/** All that a worker has to know of a training, without a weight. */
export const setupSchema = z.strictObject({
  backbone: z.strictObject({
    /** What the worker looks for in its own cache. */
    name: z.string().max(200),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    config: backboneConfig,
  }),
  method: methodOptions,
  seed: z.int().min(0).max(0xffffffff),
  dropout: fraction,
  precision: z.enum(['float32', 'bfloat16']),
  checkpointActivations: z.boolean(),
})
export type Setup = z.infer<typeof setupSchema>

const row = z.strictObject({ of: size, from: id, size })

/** A share of a step; its payload is the trained vector, the sources' ids and mask, the targets' ids and mask. */
export const stepSchema = z.strictObject({
  kind: z.literal('step'),
  step: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  size,
  sourceLength: size,
  targetLength: size,
  part: row,
})

export interface Versions {
  compacter: string
  tensorflow: string
}

/** What shows that one has the token, without sending it. */
export const proof = (token: string, nonce: string): string => createHmac('sha256', token).update(nonce).digest('hex')

export function sameProof(expected: string, given: unknown): boolean {
  if (typeof given !== 'string' || given.length !== expected.length) return false
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
