import { z } from 'zod'

const LAYERS = 'must be all, a list of layer numbers such as [0, 3, 5], or a range such as 5-11 or 5-.'
const noneTwice = (items: readonly unknown[]) => new Set(items).size === items.length

/** Layers of a stack: `all`, their numbers from 0, a range such as 5-11, or an open one such as 5-. */
const layers = z
  .union(
    [
      z.literal('all'),
      z.array(z.int().min(0)).refine(noneTwice, { error: 'must not name a layer twice.' }),
      z.string().regex(/^\d+-\d*$/, { error: LAYERS }),
    ],
    { error: LAYERS },
  )
  .default('all')
export type Layers = z.infer<typeof layers>

const anySublayer = z.enum(['attention', 'cross_attention', 'feed_forward'])
type Sublayer = z.infer<typeof anySublayer>

/** Sublayers and layers that a method enters; `about` describes the whole, `sublayer` is what it may enter. */
export const placementOf = (sublayers: Sublayer[], about: string, sublayer: z.ZodType<Sublayer> = anySublayer) =>
  z
    .strictObject({
      sublayers: z
        .array(sublayer)
        .min(1)
        .refine(noneTwice, { error: 'must not name a sublayer twice.' })
        .default(sublayers)
        .describe('Sublayers that the method enters; the paper never uses cross_attention.'),
      encoder_layers: layers.describe('Encoder layers that it enters: all, [0, 3, 5], 5-11, or 5- (to the last).'),
      decoder_layers: layers.describe('The same for the decoder.'),
    })
    .prefault({})
    .describe(about)

export const placement = placementOf(['attention', 'feed_forward'], 'Where the adapters are.')
export type Placement = z.infer<typeof placement>

export const reductionFactor = z.int().min(1).default(32).describe('Bottleneck = d_model / this. Divides d_model.')

export const startStd = z.number().positive().default(0.01).describe('Standard deviation where the start is normal.')

export const nonlinearity = z
  .enum([
    ...['gelu_new', 'gelu', 'quick_gelu', 'relu', 'relu6', 'leaky_relu', 'elu'],
    ...['swish', 'mish', 'tanh', 'sigmoid', 'linear'],
  ] as const)
  .default('gelu_new')
  .describe('Activation in the bottleneck, by the name of transformers or PyTorch; gelu_new is the tanh approximation.')

export const arrangement = z
  .enum(['sequential', 'parallel'])
  .default('sequential')
  .describe("Whether each adapter takes the sublayer's output or, next to it, its input, before the layer norm there.")

export const scale = z
  .number()
  .positive()
  .default(1)
  .describe("What each adapter adds to the sublayer's output is multiplied by this.")

export const layerNorm = z
  .enum(['none', 'before', 'after', 'both'])
  .default('none')
  .describe('Whether each adapter has its own layer norm before or after it.')

/** Tensors of the backbone that an adapter method trains in addition to its own. */
export const trainedBackbone = {
  train_layer_norms: z.boolean().default(true).describe("Whether the backbone's layer norms are trained too."),
  train_lm_head: z
    .boolean()
    .default(false)
    .describe('Whether the output head is trained too (a tied head is the embedding).'),
}

/** Products with the backbone's matrices by name, for methods that enter there. */
export const targets = (...defaults: string[]) =>
  z
    .union([z.literal('all'), z.array(z.string().min(1)).min(1)], {
      error: ({ input }) =>
        input === 'all-linear' ? 'must be all, which means the same.' : 'must be all or a list of names.',
    })
    .default(defaults)
    .describe(
      'Products of the backbone that are changed, by name: q, k, v, o, wi, wi_0, wi_1, wo, lm_head. all: every ' +
        "product of the placement's sublayers.",
    )

/** Where a method that changes products enters, and what of the backbone it trains besides: nothing by default. */
export const besideProducts = (about: string) => ({
  placement: placementOf(['attention', 'cross_attention', 'feed_forward'], about),
  train_layer_norms: trainedBackbone.train_layer_norms.default(false),
  train_lm_head: trainedBackbone.train_lm_head,
})

/**
 * Returns the numbers of the layers that `layers` names, in a stack of `count`; those that the stack lacks are
 * included.
 */
export function layerNumbers(layers: Layers, count: number): number[] {
  if (layers === 'all') return [...Array(count).keys()]
  if (typeof layers !== 'string') return layers
  const [first, last] = layers.split('-') as [string, string]
  const end = last === '' ? Math.max(count - 1, Number(first)) : Number(last)
  return Array.from({ length: Math.max(0, end - Number(first) + 1) }, (_, i) => Number(first) + i)
}
