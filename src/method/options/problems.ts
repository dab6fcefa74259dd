import type { BackboneConfig } from '../../backbone/registry.js'
import { sites } from '../adapter/placement.js'
import { productNames, targetsOf } from '../targets.js'
import type { MethodProblem } from './kind.js'
import { layerNumbers, type Placement } from './shared.js'

interface ChangesProducts {
  targets: 'all' | string[]
  placement: Placement
}

/** Returns what does not fit in the options of a method that changes products. */
export const productProblems = (options: ChangesProducts, config: BackboneConfig): MethodProblem[] => [
  ...targetProblems(options, config),
  ...layerProblems(options.placement, config),
]

function targetProblems(options: ChangesProducts, config: BackboneConfig): MethodProblem[] {
  const { targets } = options
  const known = productNames(config)
  const unknown = targets === 'all' ? undefined : targets.find((name) => !known.includes(name))
  const path = ['targets']
  if (unknown !== undefined) {
    const problem = `method.targets names ${JSON.stringify(unknown)}; the backbone has no product of that name.`
    const meant = targets === 'all' ? undefined : namedHere(targets, known)
    const remedy = meant ? `Did you mean ${meant}?` : `Its products: ${known.join(', ')}.`
    return [{ path, problem, remedy }]
  }
  if (targetsOf(options, config).length > 0) return []
  const problem = 'method.targets and method.placement choose no product of the backbone.'
  const remedy = 'Choose other targets, more sublayers or more layers.'
  return [{ path, involved: [['placement']], problem, remedy }]
}

/** What models of transformers call the modules of products, by our names. */
const MODULES: Record<string, string[]> = {
  q: ['q_proj', 'query', 'query_proj', 'q_lin'],
  k: ['k_proj', 'key', 'key_proj', 'k_lin'],
  v: ['v_proj', 'value', 'value_proj', 'v_lin'],
  o: ['o_proj', 'out_proj', 'out_lin'],
  wi: ['fc1', 'lin1', 'up_proj'],
  wo: ['fc2', 'lin2', 'down_proj'],
  qkv: ['Wqkv', 'q', 'k', 'v'],
}

/**
 * Returns the targets by their names here, as they were written in peft, also with the path in front; undefined where
 * one of them is unknown.
 */
function namedHere(targets: string[], known: string[]): string | undefined {
  if (targets.join() === 'all-linear') return 'targets: all'
  const names = targets.map((target) => {
    const module = target.split('.').at(-1)!
    return known.find((name) => name === module || MODULES[name]?.includes(module))
  })
  return names.includes(undefined) ? undefined : [...new Set(names)].join(', ')
}

/** Both have to divide d_model, and n the bottleneck. */
export function bottleneckProblems(
  { reduction_factor: factor, n }: { reduction_factor: number; n?: number },
  { dModel }: BackboneConfig,
): MethodProblem[] {
  if (dModel % factor !== 0) {
    const problem = `method.reduction_factor is ${factor}; it must divide d_model (${dModel}).`
    return [{ path: ['reduction_factor'], problem, remedy: divisorsRemedy(factor, divisors(dModel)) }]
  }
  const bottleneck = dModel / factor
  if (n === undefined || bottleneck % n === 0) return []
  const problem = `method.n is ${n}; it must divide d_model (${dModel}) and the bottleneck (${bottleneck}).`
  const remedy = divisorsRemedy(n, divisors(bottleneck))
  return [{ path: ['n'], involved: [['reduction_factor']], problem, remedy }]
}

/** Returns what does not fit in the layers of a placement; those of a stack that the backbone lacks are not read. */
export function layerProblems(placement: Placement, config: BackboneConfig): MethodProblem[] {
  const stacks = [
    ['encoder', config.encoderLayers],
    ['decoder', config.decoderLayers],
  ] as const
  return stacks.flatMap(([stack, count]) => {
    const outside = layerNumbers(placement[`${stack}_layers`], count).find((layer) => layer >= count)
    if (outside === undefined || count === 0) return []
    const key = `${stack}_layers`
    const problem = `method.placement.${key} names layer ${outside}; the ${stack} has ${count} layers.`
    return [{ path: ['placement', key], problem, remedy: `Layers are numbered 0 to ${count - 1}.` }]
  })
}

/** Returns what does not fit in a placement; `what` is what it chooses. */
export function placementProblems(placement: Placement, config: BackboneConfig, what: string): MethodProblem[] {
  const outside = layerProblems(placement, config)
  if (outside.length > 0 || sites(placement, config).length > 0) return outside
  const problem = `method.placement chooses no ${what} of the backbone.`
  return [{ path: ['placement'], problem, remedy: 'Choose more sublayers or more layers.' }]
}

function divisors(of: number): number[] {
  return [...Array(of).keys()].map((i) => i + 1).filter((i) => of % i === 0)
}

function divisorsRemedy(value: number, all: number[]): string {
  const nearest = [all.filter((d) => d < value).at(-1), all.find((d) => d > value)].filter((d) => d !== undefined)
  return (
    `${nearest.length === 1 ? 'Nearest that does' : 'Nearest that do'}: ${nearest.join(' or ')}; all: ` +
    `${all.join(', ')}.`
  )
}
