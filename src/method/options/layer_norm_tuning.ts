import { z } from 'zod'
import type { MethodKind } from './kind.js'

/** The backbone's layer norms, trained. */
export const layerNormTuningOptions = z.strictObject({ kind: z.literal('layer_norm_tuning') })
export type LayerNormTuningOptions = z.infer<typeof layerNormTuningOptions>

export const layerNormTuningKind: MethodKind<LayerNormTuningOptions> = {
  problems: () => [],
  complexity: () => 'O(d)',
  inPyTorch: () => 'hooks',
}
