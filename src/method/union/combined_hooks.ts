import type { Tensor } from '@tensorflow/tfjs-core'
import type { Hooks, Product } from '../../backbone/hooks.js'
import { type BackboneConfig, familyOf, headTensor } from '../../backbone/registry.js'
import type { Merged } from '../method.js'
import { biasName } from '../targets.js'

/** What one of several methods does to the backbone. */
export interface Part {
  hooks: Hooks
  merged?: Merged | undefined
}

/** How each hook is made of those of the parts that have it. */
type Combine = { [Name in keyof Hooks]-?: (parts: readonly Part[]) => NonNullable<Hooks[Name]> }

/** Returns the hooks of several methods, each of which enters what those before it return. */
export function combinedHooks(parts: readonly Part[], config: BackboneConfig): Hooks {
  const combine = combinations(config)
  const names = Object.keys(combine) as (keyof Hooks)[]
  const made = names.flatMap((name) => {
    const having = parts.filter(({ hooks }) => hooks[name] !== undefined)
    return having.length === 0 ? [] : [[name, combine[name](having)] as const]
  })
  return Object.fromEntries(made)
}

const combinations = (config: BackboneConfig): Combine => ({
  weight: (parts) => (name, frozen) => parts.reduce<Tensor>((weight, { hooks }) => hooks.weight!(name, weight), frozen),
  product: (parts) => (name) => {
    const matrix = name === familyOf(config).head ? headTensor(config)! : name
    const entering = parts.flatMap(({ hooks, merged }) => {
      const product = hooks.product!(name)
      return product ? [{ product, merged }] : []
    })
    return entering.length < 2 ? entering[0]?.product : inTurn(entering, matrix)
  },
  bias: (parts) => (name) => only(parts.map(({ hooks }) => hooks.bias!(name))),
  sublayerOutput: (parts) => (site, output, input) =>
    parts.reduce((changed, { hooks }) => hooks.sublayerOutput!(site, changed, input), output),
  prefix: (parts) => (site) => only(parts.map(({ hooks }) => hooks.prefix!(site))),
  prompt: ([part]) => part!.hooks.prompt!,
})

/** What one of the parts has at a place. Two can't have it: their tensors would have one name, which is refused. */
const only = <T>(found: (T | undefined)[]): T | undefined => found.find((one) => one !== undefined)

/** The product that the last part makes of the one before it, and so on; the first has the backbone's. */
const inTurn =
  (parts: readonly { product: Product; merged: Merged | undefined }[], matrix: string): Product =>
  (x, backbone) => {
    let times = backbone.times
    let weight = backbone.weight
    let bias = backbone.bias
    for (const { product, merged } of parts) {
      const before = { ...backbone, times, weight, bias }
      const mergedInto = <T extends Tensor>(name: string, tensor: T): T => {
        if (!merged) throw new Error(`a method changes the product with ${matrix} and cannot be merged`)
        return merged(name, tensor) as T
      }
      times = (x) => product(x, before)
      weight = () => mergedInto(matrix, before.weight())
      bias = () => {
        const own = before.bias()
        return own && mergedInto(biasName(matrix), own)
      }
    }
    return times(x)
  }
