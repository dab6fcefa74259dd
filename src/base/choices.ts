// Closed lists of names that the command line, the YAML schema and the code share. The file imports nothing, so that
// `--help` loads nothing.

/** Formats that `compacter export` writes. */
export const FORMATS = ['safetensors', 'huggingface', 'adapterhub', 'opendelta', 'saved-model'] as const
export type Format = (typeof FORMATS)[number]

/** Formats that `compacter import` reads. */
export const IMPORT_FORMATS = ['adapterhub', 'opendelta', 'reference'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

export const isImportable = (format: string): format is ImportFormat =>
  (IMPORT_FORMATS as readonly string[]).includes(format)

/** What the learning rate does after the warm-up: it falls to 0 along a line or half a cosine, or stays constant. */
export const SCHEDULES = ['linear', 'cosine', 'constant'] as const
export type ScheduleName = (typeof SCHEDULES)[number]

/** Engines, the fastest first. */
export const ENGINES = ['tensorflow', 'webgpu', 'wasm'] as const
export type EngineName = (typeof ENGINES)[number]

/** How an output is chosen: by greedy decoding, or as the most likely of the labels or choices. */
export const SCORINGS = ['generate', 'rank'] as const
export type Scoring = (typeof SCORINGS)[number]
