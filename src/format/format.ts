import type { BackboneConfig } from '../backbone/registry.js'
import type { Progress } from '../base/progress.js'
import type { SafetensorsFile } from '../base/safetensors/safetensors.js'
import type { Experiment } from '../experiment/schema.js'
import type { MethodOptions } from '../method/options.js'
import type { TrainedRun } from '../run/trained_run.js'

/** What a format writes from. */
export interface Trained {
  experiment: Experiment
  /** The backbone's dimensions, with the vocabulary that is in force. */
  config: BackboneConfig
  /** The run or export that the tensors come from. */
  run: TrainedRun
  /** Trained tensors by name. */
  tensors: SafetensorsFile
  progress: Progress
}

/** One format of `compacter export`. */
export interface ExportFormat {
  /** Returns why the format cannot hold what the method trains on such a backbone; undefined where it can. */
  refusal(options: MethodOptions, config: BackboneConfig): string | undefined
  /** Whether it contains the backbone's weights, those of the backbone here. */
  holdsBackbone: boolean
  /** Writes the format's files into an empty folder. Returns the README's part on how to load them. */
  write(folder: string, trained: Trained): Promise<string>
}
