import { z } from 'zod'
import type { MethodKind } from './kind.js'

/** Full fine-tuning. */
export const fullOptions = z.strictObject({ kind: z.literal('full') })
export type FullOptions = z.infer<typeof fullOptions>

export const fullKind: MethodKind<FullOptions> = {
  problems: () => [],
  complexity: () => 'O(kd)',
  inPyTorch: () => 'hooks',
}
