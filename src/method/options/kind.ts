import type { BackboneConfig } from '../../backbone/registry.js'
import type { MethodOptions } from '../options.js'

/** Why options do not fit a backbone. `path` starts below `method`. */
export interface MethodProblem {
  path: string[]
  /** Paths of other options that the one at `path` does not fit: the user may have set only those. */
  involved?: string[][]
  problem: string
  remedy: string
}

/** What is known of a kind of method from its options alone: no tensors, no weights. */
export interface MethodKind<Options> {
  /** Returns all options that do not fit this backbone's dimensions; empty if all fit. */
  problems(options: Options, config: BackboneConfig): MethodProblem[]
  /**
   * How the trained parameters of a projection from k inputs to d outputs grow. arXiv 2106.04647 § 4.1: low-rank
   * hypercomplex factors grow with k + d, a dense projection with k·d.
   */
  complexity(options: Options): string
  /**
   * What computes it in PyTorch, for `compacter bench --against torch`: hooks on transformers' modules, layers of peft,
   * or nothing that would be a fair comparison.
   */
  inPyTorch(options: Options): 'hooks' | 'peft' | undefined
  /** The methods of which it is made, where it is several. */
  parts?(options: Options): MethodOptions[]
}

/** O(k+d) at rank 1. */
export const lowRank = (rank: number): string => (rank === 1 ? 'O(k+d)' : 'O(r(k+d))')
