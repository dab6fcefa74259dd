import { siteName } from '../backbone/hooks.js'
import { type BackboneConfig, backboneTensors, familyOf, headTensor } from '../backbone/registry.js'
import { sites } from './adapter/placement.js'
import type { Placement } from './options/shared.js'

/** A product of the backbone that a method enters. */
export interface Target {
  /** The name by which hooks know the product. */
  product: string
  /** What the names of the method's own tensors start with: `encoder.3.attention.q`. */
  name: string
  /** The backbone's matrix [outputs, inputs]. */
  matrix: string
  outputs: number
  inputs: number
}

interface Targeted {
  targets: 'all' | string[]
  placement: Placement
}

/** The products that `targets` names, in the sublayers and layers of the placement; the head wherever it is named. */
export function targetsOf({ targets, placement }: Targeted, config: BackboneConfig): Target[] {
  const placed = new Set(sites(placement, config).map(siteName))
  const named = (product: string) => targets === 'all' || targets.includes(product)
  const tensors = backboneTensors(config)
  const inLayers = [...tensors].flatMap(([matrix, { role, shape, site, product }]): Target[] => {
    if (role !== 'product' || product === undefined || site === undefined) return []
    if (!named(product) || !placed.has(siteName(site))) return []
    const [outputs, inputs] = shape as [number, number]
    return [{ product: matrix, name: `${siteName(site)}.${product}`, matrix, outputs, inputs }]
  })
  const head = headName(config)
  if (targets === 'all' || head === undefined || !targets.includes(head)) return inLayers
  const matrix = headTensor(config)!
  const [outputs, inputs] = tensors.get(matrix)!.shape as [number, number]
  return [...inLayers, { product: familyOf(config).head!, name: head, matrix, outputs, inputs }]
}

/** What `targets` may name in a backbone of this config. */
export function productNames(config: BackboneConfig): string[] {
  const inLayers = [...backboneTensors(config).values()].flatMap(({ product }) => product ?? [])
  return [...new Set([...inLayers, headName(config) ?? []].flat())]
}

/** The name of the bias next to a matrix, where there is one. */
export const biasName = (matrix: string): string => matrix.replace(/\.weight$/, '.bias')

/** `lm_head` for `lm_head.weight`. */
const headName = (config: BackboneConfig) => familyOf(config).head?.replace(/\.weight$/, '')
