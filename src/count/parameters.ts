import type { TensorSpec } from '../backbone/family.js'
import {
  type BackboneConfig,
  backboneTensors,
  headTensors,
  isEncoder,
  parameterCount,
  withTwoLabels,
} from '../backbone/registry.js'
import type { Grouping } from '../base/choices.js'
import { elements } from '../base/safetensors/safetensors.js'
import type { ParameterSpec } from '../method/method.js'
import { type MethodOptions, methodKind } from '../method/options.js'
import { methodOf } from '../method/registry.js'
import { isOfNorm } from '../method/unfrozen.js'
import { type Breakdown, breakdown } from './breakdown.js'

/** A method on a backbone whose parameters are counted. */
export interface Subject {
  /** The backbone's name, as the user gave it. */
  backbone: string
  /** The name of a method preset, with the options that differ from it: `n=8`. */
  method: string
  changes: string[]
  options: MethodOptions
  /** The backbone's dimensions with the vocabulary in force. */
  config: BackboneConfig
  /** Why the method does not fit the backbone, if it does not. */
  problem?: string
}

/**
 * One line of `compacter params report`. If the method does not fit the backbone, `problem` says why and all counts are
 * null.
 */
export interface ParameterRow {
  backbone: string
  method: string
  changes: string[]
  options: MethodOptions
  tasks: number
  backbone_parameters: number
  /** What an encoder's head for two labels has: it is trained too, and in none of the other counts. */
  head_parameters: number | null
  trained_parameters: number | null
  /** The trained parameters that each task adds: an unfrozen head counts, unfrozen layer norms do not. */
  added_parameters: number | null
  /** Trained parameters relative to the backbone's, × 100. */
  share_percent: number | null
  /** The paper's "#Total params": backbone and additions for all tasks, relative to one backbone. */
  total_parameters_ratio: number | null
  /** Size of the file of trained tensors: float32 safetensors, header included. */
  checkpoint_bytes: number | null
  /** Size of Adam's two moments, float32. */
  optimizer_bytes: number | null
  /** How the trained parameters of a projection from k inputs to d outputs grow. */
  complexity: string
  problem?: string
  breakdown?: Breakdown[]
}

/** Counts what each subject trains, from the tensors themselves: no weights, no device. `tasks` share one backbone. */
export function parameterRows(subjects: readonly Subject[], tasks: number, by?: Grouping): ParameterRow[] {
  return subjects.map(({ config, problem, ...named }) => {
    const backbone_parameters = parameterCount(config)
    const head = { ...named, tasks, backbone_parameters, head_parameters: headCount(config) }
    const complexity = methodKind(named.options).complexity(named.options)
    if (problem !== undefined) return { ...head, ...uncounted, complexity, problem }
    const specs = methodOf(named.options).parameters(named.options, config)
    const groups = by && { breakdown: breakdown(specs, by) }
    return { ...head, ...counts(specs, { config, base: backbone_parameters, tasks }), complexity, ...groups }
  })
}

function headCount(config: BackboneConfig): number | null {
  if (!isEncoder(config)) return null
  const tensors = headTensors(withTwoLabels(config))
  return total([...tensors.values()].map(({ shape }) => shape))
}

const total = (shapes: readonly number[][]) => shapes.reduce((sum, shape) => sum + elements(shape), 0)

function counts(
  specs: readonly ParameterSpec[],
  { config, base, tasks }: { config: BackboneConfig; base: number; tasks: number },
) {
  const tensors = backboneTensors(config)
  const trained = total(specs.map(({ shape }) => shape))
  const unfrozen = total(specs.filter(({ start }) => start.kind === 'backbone').map(({ shape }) => shape))
  const whole = unfrozen === base // nothing of the backbone is shared: each task has its own, and adds nothing to it
  const added = whole ? trained - base : total(specs.filter((spec) => isAdded(spec, tensors)).map(({ shape }) => shape))
  return {
    trained_parameters: trained,
    added_parameters: added,
    share_percent: (100 * trained) / base,
    total_parameters_ratio: (whole ? tasks : 1) + (tasks * added) / base,
    checkpoint_bytes: safetensorsBytes(specs),
    optimizer_bytes: 2 * 4 * trained,
  }
}

/**
 * Whether each task adds the tensor to the shared backbone: the method's tensors and an unfrozen head. Layer norms are
 * left out, as in the paper's "#Total params": its 1.065 and 1.004 are those of the adapters only.
 */
const isAdded = ({ name, start }: ParameterSpec, tensors: Map<string, TensorSpec>) =>
  start.kind !== 'backbone' || !isOfNorm(tensors.get(name)?.role)

const uncounted = {
  trained_parameters: null,
  added_parameters: null,
  share_percent: null,
  total_parameters_ratio: null,
  checkpoint_bytes: null,
  optimizer_bytes: null,
}

/**
 * Returns the size of the file that writeSafetensors makes of these tensors: eight bytes, the header padded to a
 * multiple of eight, the values.
 */
function safetensorsBytes(specs: readonly ParameterSpec[]): number {
  let end = 0
  const entries = specs
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, shape }) => {
      const begin = end
      end += 4 * elements(shape)
      return `${JSON.stringify(name)}:${JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] })}`
    })
  const header = Buffer.byteLength(`{${entries.join(',')}}`)
  return 8 + Math.ceil(header / 8) * 8 + end
}
