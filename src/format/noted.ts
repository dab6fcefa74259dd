import { backboneIsHere } from '../backbone/files/locate.js'
import { type BackboneConfig, parameterCount } from '../backbone/registry.js'
import type { Progress } from '../base/progress.js'
import { version } from '../base/root.js'
import { ownPlaces } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import type { Card } from '../run/card.js'
import { checkBackbone, notedBackbone } from '../run/made_with.js'
import type { Environment, ImportedFrom } from '../run/records.js'
import { withBackbone } from '../run/trained_run.js'

type Backbone = Pick<Environment, 'backbone_sha256' | 'tokenizer_sha256' | 'backbone_config'>

/**
 * Returns what an imported run notes of its backbone: of the one here, otherwise what our own export says of it,
 * otherwise nothing.
 * @throws Changed where one of our exports was trained on other weights, unless changes are allowed
 */
export async function importedBackbone(
  path: string,
  name: string,
  card: Card | undefined,
  { allowChanged, progress }: { allowChanged: boolean; progress: Progress },
): Promise<Backbone> {
  const { sha256, tokenizer_sha256 } = card?.backbone ?? {}
  if (!(await backboneIsHere(name))) return { backbone_sha256: sha256, tokenizer_sha256 }
  return withBackbone(name, undefined, (backbone) => {
    const when = { allowChanged, warn: progress.warn }
    checkBackbone(path, { weights: sha256, tokenizer: tokenizer_sha256, rows: {} }, backbone, when)
    return notedBackbone(backbone)
  })
}

/** Returns the manifest of a run that was not trained here. */
export const importedManifest = (
  imported: ImportedFrom,
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
  imported,
})
