import type { Manifest } from '../../run/manifest.js'
import { gathered } from '../cluster/agree.js'
import type { Ranks } from '../cluster/ranks.js'
import type { Blueprint } from '../model/model.js'
import type { PreparedSplit } from '../prepare/data.js'
import type { OpenedBackbone } from '../prepare/prepare.js'

/** What the manifest says of the processes that computed the steps. */
export async function crewOf(ranks: Ranks, threads: number): Promise<NonNullable<Manifest['mpi']>> {
  return { library: ranks.library!, ranks: await gathered(ranks, { host: ranks.host, threads }) }
}

/** SHA-256 of each split's files. */
export const hashesOf = ({
  train,
  validation,
  test,
}: Record<'train' | 'validation' | 'test', Pick<PreparedSplit, 'sha256'>>) => ({
  train: train.sha256,
  validation: validation.sha256,
  test: test.sha256,
})

/** How much is trained, and of how much. */
export const countsOf = ({ layout }: Blueprint, { parameters }: OpenedBackbone) => ({
  trained_parameters: layout.size,
  backbone_parameters: parameters,
})

/** That evaluations were on some of the validation rows. */
export const drawnRows = ({ rows, drawnFrom }: PreparedSplit): Pick<Manifest, 'evaluation_rows'> =>
  drawnFrom === undefined ? {} : { evaluation_rows: { rows, of: drawnFrom } }
