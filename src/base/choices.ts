// Closed lists of names that the command line, the YAML schema and the code share. The file imports nothing, so that
// `--help` loads nothing.

/** Formats that `compacter export` writes. */
export const FORMATS = ['safetensors', 'huggingface', 'peft', 'adapterhub', 'opendelta', 'saved-model'] as const
export type Format = (typeof FORMATS)[number]

/** Formats that `compacter import` reads. */
export const IMPORT_FORMATS = ['peft', 'adapterhub', 'opendelta', 'reference'] as const
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

/** The splits of a task. */
export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

/** What products of matrices are computed in. */
export const PRECISIONS = ['float32', 'bfloat16'] as const
export type Precision = (typeof PRECISIONS)[number]

/** How steps are taken: as captured graphs, or op by op. */
export const MODES = ['replay', 'eager'] as const
export type Mode = (typeof MODES)[number]

/** How rows to predict are written: a text a line, or as in the files that are trained on. */
export const INPUT_FORMATS = ['text', 'jsonl', 'csv', 'tsv', 'conll'] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** What `compacter report` writes. */
export const REPORT_FORMATS = ['html', 'markdown', 'latex'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** Where `compacter setup` takes the native engine from. */
export const ORIGINS = ['download', 'wheel'] as const
export type OriginName = (typeof ORIGINS)[number]

/** Kinds of YAML file with a schema: `configs/<kind>.schema.json`, which the first line of each such file names. */
export const SCHEMA_KINDS = ['experiment', 'method', 'task', 'backbone', 'sweep'] as const
export type SchemaKind = (typeof SCHEMA_KINDS)[number]

/** How `compacter params report` splits a method's count. */
export const GROUPINGS = ['tensor', 'layer', 'kind'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** Formats of `compacter params report`. */
export const PARAMETER_FORMATS = ['table', 'csv', 'markdown', 'latex', 'json'] as const
export type ParameterFormat = (typeof PARAMETER_FORMATS)[number]

/** Formats of `compacter sweep results`. */
export const RESULT_FORMATS = ['table', 'csv', 'markdown', 'latex'] as const
export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** Formats of `compacter compare`. */
export const COMPARISON_FORMATS = ['table', 'markdown', 'latex'] as const
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number]

/** What `compacter compare` compares: methods, whose runs differ only in their seeds, or single runs. */
export const COMPARED_BY = ['method', 'run'] as const
export type ComparedBy = (typeof COMPARED_BY)[number]

/** The splits whose answers `compacter compare` reads. */
export const ANSWERED_SPLITS = ['validation', 'test'] as const
export type AnsweredSplit = (typeof ANSWERED_SPLITS)[number]
