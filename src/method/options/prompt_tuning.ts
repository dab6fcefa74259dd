import { z } from 'zod'
import type { BackboneConfig } from '../../backbone/registry.js'
import type { MethodKind, MethodProblem } from './kind.js'

/** Trained vectors in front of the embedded source. */
export const promptTuningOptions = z.strictObject({
  kind: z.literal('prompt_tuning'),
  length: z.int().min(1).default(100).describe('Prompt vectors; each makes every source one position longer.'),
  start: z
    .enum(['random', 'vocabulary'])
    .default('random')
    .describe('Initial values: from U(−0.5, 0.5), or the embeddings of the first tokens of the vocabulary.'),
})
export type PromptTuningOptions = z.infer<typeof promptTuningOptions>

export const promptTuningKind: MethodKind<PromptTuningOptions> = {
  problems: promptProblems,
  complexity: () => 'O(d)',
  inPyTorch: () => 'hooks',
}

function promptProblems(options: PromptTuningOptions, config: BackboneConfig): MethodProblem[] {
  if (options.start === 'random' || options.length <= config.vocabulary) return []
  const { vocabulary } = config
  const problem = `method.length is ${options.length}; a start from the vocabulary has ${vocabulary} tokens to give.`
  return [{ path: ['length'], involved: [['start']], problem, remedy: 'Shorten it, or set method.start to random.' }]
}
