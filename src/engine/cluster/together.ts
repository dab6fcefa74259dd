import { createHash } from 'node:crypto'
import { setupCommand } from '../../base/command_line.js'
import { version } from '../../base/root.js'
import { withoutPlaces } from '../../experiment/places.js'
import type { Experiment } from '../../experiment/schema.js'
import { notedBackbone, short } from '../../run/made_with.js'
import type { Device } from '../../run/manifest.js'
import type { RunState } from '../../run/state.js'
import {
  disposeState,
  type Kept,
  keptOf,
  type OptimizerState,
  startState,
  stateWith,
  valuesOf,
} from '../optimizer/optimizer.js'
import type { PreparedSplit } from '../prepare/data.js'
import type { OpenedBackbone } from '../prepare/prepare.js'
import { compareFacts, type Facts, fromRankZero } from './agree.js'
import type { Ranks } from './ranks.js'

/** What a rank has prepared. */
export interface Together {
  experiment: Experiment
  backbone: Pick<OpenedBackbone, 'files'>
  splits: Pick<PreparedSplit, 'name' | 'sha256'>[]
  device: Pick<Device, 'engine' | 'version'>
  /** How steps are taken, if they are. */
  mode?: string
  /** Trained values that are read from a run. */
  trained?: Float32Array
}

/**
 * Checks that all ranks have prepared the same.
 * @throws UserError on rank 0, naming rank, host and what differs there
 */
export async function checkTogether(ranks: Ranks, together: Together): Promise<void> {
  if (ranks.size > 1) await compareFacts(ranks, factsOf(together))
}

function factsOf({ experiment, backbone, splits, device, mode, trained }: Together): Facts {
  const { backbone_sha256, tokenizer_sha256 } = notedBackbone(backbone.files)
  const hashed = (sha256: string, remedy: string) => ({ value: `SHA-256 ${short(sha256)}`, remedy })
  const sameFile = 'Put the same file there.'
  const sameBackbone = 'Have the same backbone on all hosts.'
  return {
    'version of compacter': { value: version, remedy: 'Install the same version on all hosts.' },
    engine: {
      value: `${device.engine} ${device.version}${mode === undefined ? '' : `, steps by ${mode}`}`,
      remedy: `Set up the same engine on all hosts: \`${setupCommand()}\`.`,
    },
    'backbone of': hashed(backbone_sha256, sameBackbone),
    'tokenizer of': hashed(tokenizer_sha256, sameBackbone),
    ...Object.fromEntries(splits.map(({ name, sha256 }) => [`${name} rows of`, hashed(sha256, sameFile)])),
    'experiment of': hashed(
      sha256Of(JSON.stringify(withoutPlaces(experiment))),
      'Start all ranks with the same experiment and --set.',
    ),
    ...(trained && { 'trained values of': hashed(sha256Of(trained), sameFile) }),
  }
}

const sha256Of = (data: string | Float32Array): string => createHash('sha256').update(data).digest('hex')

/** Returns rank 0's state on every rank, to the bit; the others' own state is freed. */
export async function stateOfRankZero(
  ranks: Ranks,
  make: () => Promise<{ state: OptimizerState; run: RunState }>,
): Promise<{ state: OptimizerState; run: RunState }> {
  if (ranks.size === 1) return make()
  const made = ranks.rank === 0 ? await make() : undefined
  const own = made && (await valuesOf(made.state))
  const { step, run, sizes } = await fromRankZero(ranks, () => {
    const sizes = keptOf(own!).map(([name, values]) => [name, values.length] as const)
    return { step: made!.state.step, run: made!.run, sizes: Object.fromEntries(sizes) as unknown as Kept<number> }
  })
  const { vector: _, ...moments } = sizes
  const values = { vector: await floatsOfRankZero(ranks, own?.vector) } as Kept<Float32Array>
  if (step === 0) {
    if (made) disposeState(made.state)
    return { state: startState(values.vector, moments), run }
  }
  for (const [name] of keptOf(sizes).slice(1)) values[name] = await floatsOfRankZero(ranks, own?.[name])
  return made ?? { state: stateWith(values, step), run }
}

/** Returns rank 0's floats on every rank; the others pass none. */
export async function floatsOfRankZero(ranks: Ranks, values: Float32Array | undefined): Promise<Float32Array> {
  if (ranks.size === 1) return values!
  const own = values ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : new Uint8Array(0)
  const bytes = await ranks.broadcast(own)
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}
