import { type BackboneConfig, backboneTensors } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { sites } from '../adapter/placement.js'
import type { MethodOptions } from '../options.js'
import { productNames, targetsOf } from '../targets.js'
import type { AdapterOptions } from './adapter.js'
import type { CompacterOptions } from './compacter.js'
import type { Ia3Options } from './ia3.js'
import type { LokrOptions } from './lokr.js'
import type { LoraOptions } from './lora.js'
import type { PrefixTuningOptions } from './prefix_tuning.js'
import { layerNumbers, type Placement } from './shared.js'
import type { VeraOptions } from './vera.js'

/** Why options do not fit a backbone. `path` starts below `method`. */
export interface MethodProblem {
  path: string[]
  problem: string
  remedy: string
}

/** Returns all options that do not fit this backbone's dimensions; empty if all fit. */
export function methodProblems(options: MethodOptions, config: BackboneConfig): MethodProblem[] {
  switch (options.kind) {
    case 'compacter':
    case 'adapter':
      return [...bottleneckProblems(options, config), ...layerProblems(options.placement, config)]
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
      return [...targetProblems(options, config), ...layerProblems(options.placement, config)]
    case 'intrinsic':
      return dimensionProblems(options, config)
    case 'prefix_tuning':
      return [...placementProblems(options, config), ...layerProblems(options.placement, config)]
    case 'prompt_tuning':
      return promptProblems(options, config)
    case 'union':
      return options.methods.flatMap((part, i) => methodProblems(part, config).map((found) => ofPart(found, i)))
    case 'full':
    case 'layer_norm_tuning':
    case 'bitfit':
      return []
    default:
      return assertNever(options, 'method')
  }
}

/** A problem of one method of a union, with the keys that lead to it there. */
const ofPart = ({ path, problem, remedy }: MethodProblem, part: number): MethodProblem => {
  const moved = (text: string) => text.replaceAll('method.', `method.methods.${part}.`)
  return { path: ['methods', String(part), ...path], problem: moved(problem), remedy: moved(remedy) }
}

function bottleneckProblems(options: AdapterOptions | CompacterOptions, { dModel }: BackboneConfig): MethodProblem[] {
  const factor = options.reduction_factor
  if (dModel % factor !== 0) {
    const problem = `method.reduction_factor is ${factor}; it must divide d_model (${dModel}).`
    return [{ path: ['reduction_factor'], problem, remedy: divisorsRemedy(factor, divisors(dModel)) }]
  }
  const bottleneck = dModel / factor
  if (options.kind !== 'compacter' || bottleneck % options.n === 0) return []
  const problem = `method.n is ${options.n}; it must divide d_model (${dModel}) and the bottleneck (${bottleneck}).`
  return [{ path: ['n'], problem, remedy: divisorsRemedy(options.n, divisors(bottleneck)) }]
}

function targetProblems(
  options: LoraOptions | LokrOptions | VeraOptions | Ia3Options,
  config: BackboneConfig,
): MethodProblem[] {
  const { targets } = options
  const known = productNames(config)
  const unknown = targets === 'all' ? undefined : targets.find((name) => !known.includes(name))
  const path = ['targets']
  if (unknown !== undefined) {
    const problem = `method.targets names ${JSON.stringify(unknown)}; the backbone has no product of that name.`
    return [{ path, problem, remedy: `Its products: ${known.join(', ')}.` }]
  }
  if (options.kind === 'ia3') {
    const stray = options.scaled_inputs.find((name) => targets !== 'all' && !targets.includes(name))
    const problem = `method.scaled_inputs names ${JSON.stringify(stray)}, which is not one of method.targets.`
    if (stray !== undefined)
      return [{ path: ['scaled_inputs'], problem, remedy: 'Add it to the targets, or remove it.' }]
  }
  if (targetsOf(options, config).length > 0) return []
  const problem = 'method.targets and method.placement choose no product of the backbone.'
  return [{ path, problem, remedy: 'Choose other targets, more sublayers or more layers.' }]
}

/** A prefix is all that the method trains. */
function placementProblems({ placement }: PrefixTuningOptions, config: BackboneConfig): MethodProblem[] {
  if (sites(placement, config).length > 0) return []
  const problem = 'method.placement chooses no attention of the backbone.'
  return [{ path: ['placement'], problem, remedy: 'Choose more sublayers or more layers.' }]
}

function layerProblems(placement: Placement, config: BackboneConfig): MethodProblem[] {
  const stacks = [
    ['encoder', config.encoderLayers],
    ['decoder', config.decoderLayers],
  ] as const
  return stacks.flatMap(([stack, count]) => {
    const outside = layerNumbers(placement[`${stack}_layers`], count).find((layer) => layer >= count)
    if (outside === undefined) return []
    const key = `${stack}_layers`
    const problem = `method.placement.${key} names layer ${outside}; the ${stack} has ${count} layers.`
    return [{ path: ['placement', key], problem, remedy: `Layers are numbered 0 to ${count - 1}.` }]
  })
}

function dimensionProblems(options: MethodOptions & { kind: 'intrinsic' }, config: BackboneConfig): MethodProblem[] {
  const tensors = backboneTensors(config).size
  const { dimension, said } = options
  if (!said || dimension > tensors) return []
  const problem = `method.dimension is ${dimension}; with said it must exceed the backbone's tensors (${tensors}).`
  return [{ path: ['dimension'], problem, remedy: 'The paper uses 20000.' }]
}

function promptProblems(options: MethodOptions & { kind: 'prompt_tuning' }, config: BackboneConfig): MethodProblem[] {
  if (options.start === 'random' || options.length <= config.vocabulary) return []
  const { vocabulary } = config
  const problem = `method.length is ${options.length}; a start from the vocabulary has ${vocabulary} tokens to give.`
  return [{ path: ['length'], problem, remedy: 'Shorten it, or set method.start to random.' }]
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
