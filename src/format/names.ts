/** Formats that `compacter export` writes. */
export const FORMATS = ['safetensors', 'huggingface', 'adapterhub', 'opendelta', 'saved-model'] as const
export type Format = (typeof FORMATS)[number]

/** Formats that `compacter import` reads. */
export const IMPORT_FORMATS = ['adapterhub', 'opendelta', 'reference'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

export const isImportable = (format: string): format is ImportFormat =>
  (IMPORT_FORMATS as readonly string[]).includes(format)
