import { join } from 'node:path'
import { writeSafetensors } from '../../base/safetensors/safetensors.js'
import { TRAINED } from '../../run/trained_run.js'
import type { ExportFormat } from '../format.js'

/** Our own format: the trained tensors by their own names, for any method. */
export const safetensorsFormat: ExportFormat = {
  refusal: () => undefined,
  holdsBackbone: false,
  async write(folder, { tensors }) {
    const all = [...tensors.entries.values()].map(
      ({ name, shape }) => [name, { shape, read: () => tensors.read(name) }] as const,
    )
    writeSafetensors(join(folder, TRAINED), all, { format: 'pt' })
    return README
  },
}

const README = `Score it on any machine that has the backbone:

    compacter eval .  # this folder

\`trained.safetensors\` holds the trained tensors by name: \`rule\`, \`encoder.3.attention.down.s\`, … as described in
the toolkit's docs/run.md; tensors of the backbone that were trained too keep their Hugging Face names.
`
