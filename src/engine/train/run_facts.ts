import { notedBackbone } from '../../run/made_with.js'
import type { Manifest, manifestOf } from '../../run/manifest.js'
import type { StartedFrom } from '../../run/records.js'
import { gathered } from '../cluster/agree.js'
import type { Ranks } from '../cluster/ranks.js'
import { sessionFacts } from '../graph/config.js'
import type { Blueprint } from '../model/model.js'
import type { PreparedSplit } from '../prepare/data.js'
import { headCount } from '../prepare/head.js'
import type { OpenedBackbone } from '../prepare/prepare.js'
import type { Computation, Job } from './begin.js'

/** What the manifest says of a training besides its experiment and device; every rank calls it. */
export async function factsOf(
  { prepared: { backbone, plan, validation }, resumed, sized, options: { ranks } }: Job,
  { device, mode, padding, blueprint }: Computation,
  startedFrom: StartedFrom | undefined,
): Promise<Parameters<typeof manifestOf>[2]> {
  const chosen = sized ?? resumed?.manifest?.batch_size_auto
  const start = startedFrom ?? resumed?.manifest?.start
  return {
    ...countsOf(blueprint, backbone),
    ...notedBackbone(backbone.files),
    ...{ engine_mode: mode, graphs: [], row_order: plan.order, padding },
    ...(chosen && { batch_size_auto: chosen }),
    session: mode === 'replay' ? sessionFacts(device.threads) : null,
    ...(start && { start }),
    ...drawnRows(validation),
    ...(ranks.library !== undefined && { mpi: await crewOf(ranks, device.threads) }),
  }
}

/** Returns what the manifest says of the processes that computed the steps. */
async function crewOf(ranks: Ranks, threads: number): Promise<NonNullable<Manifest['mpi']>> {
  return { library: ranks.library!, ranks: await gathered(ranks, { host: ranks.host, threads }) }
}

/** Returns the SHA-256 of each split's files. */
export const hashesOf = ({
  train,
  validation,
  test,
}: Record<'train' | 'validation' | 'test', Pick<PreparedSplit, 'sha256'>>) => ({
  train: train.sha256,
  validation: validation.sha256,
  test: test.sha256,
})

/** Returns the number of trained parameters, of those of them in an encoder's head, and of all of the backbone. */
export const countsOf = ({ layout, config }: Blueprint, { parameters }: OpenedBackbone) => ({
  trained_parameters: layout.size,
  ...headCount(config),
  backbone_parameters: parameters,
})

/** Says that evaluations were on some of the validation rows. */
const drawnRows = ({ rows, drawnFrom }: PreparedSplit): Pick<Manifest, 'evaluation_rows'> =>
  drawnFrom === undefined ? {} : { evaluation_rows: { rows, of: drawnFrom } }
