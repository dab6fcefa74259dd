import { backboneIsHere } from '../backbone/files/locate.js'
import { type BackboneConfig, parameterCount } from '../backbone/registry.js'
import type { Progress } from '../base/progress.js'
import { version } from '../base/root.js'
import { ownPlaces } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import type { Card } from '../run/card.js'
import { checkBackbone, notedBackbone } from '../run/made_with.js'
import type { Environment } from '../run/records.js'
import { withBackbone } from '../run/trained_run.js'

type Backbone = Pick<Environment, 'backbone_sha256' | 'tokenizer_sha256' | 'backbone_config'>

/**
 * What an imported run is to note of its backbone: of the one that is here, else what our own export says of it. Undefined
 * where nothing does.
 * @throws Changed where an export of ours was trained on other weights, unless that is allowed
 */
export async function importedBackbone(
  path: string,
  name: string,
  card: Card | undefined,
  { allowChanged, progress }: { allowChanged: boolean; progress: Progress },
): Promise<Backbone | undefined> {
  const { sha256, tokenizer_sha256 } = card?.backbone ?? {}
  if (!(await backboneIsHere(name)))
    return sha256 === undefined ? undefined : { backbone_sha256: sha256, tokenizer_sha256 }
  return withBackbone(name, undefined, (backbone) => {
    const when = { allowChanged, warn: progress.warn }
    checkBackbone(path, { weights: sha256, tokenizer: tokenizer_sha256, rows: {} }, backbone, when)
    return notedBackbone(backbone)
  })
}

/** The manifest of a run that was not trained here. */
export const importedManifest = (
  backbone: Backbone,
  experiment: Experiment,
  config: BackboneConfig,
  facts: Pick<Environment, 'trained_parameters' | 'data_sha256'>,
): Environment => ({
  compacter: version,
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  backbone_parameters: parameterCount(config),
  ...facts,
  ...backbone,
  places: ownPlaces(experiment),
})
