import type { Trial } from '../trial.js'

/** The steps from which the price of a training is reckoned: those of a backbone that has fewer layers. */
export type PriceTrial = Pick<
  Trial,
  'config' | 'options' | 'sourceLength' | 'targetLength' | 'precision' | 'mode' | 'engine' | 'threads'
>

/** The rows of the two batches that steps are taken with: small, and apart enough to tell what a row needs. */
export const PRICED_ROWS = [4, 12] as const

/** The steps of one process. */
export interface StepCost {
  /** Seconds of a step with the larger batch. */
  seconds: number
  /** Peak resident bytes of the process after a step with each batch. */
  bytes: [number, number]
}

/** What was measured with a backbone that has so many layers in each stack. */
export interface LayerCost extends StepCost {
  layers: number
}
