import { statSync } from 'node:fs'
import { join } from 'node:path'
import { IMPORT_FORMATS, type ImportFormat, isImportable } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { readJson } from '../base/files/json_file.js'
import { specialKind } from '../base/files/special_file.js'
import { isMapping } from '../base/yaml/merge.js'
import type { Card } from '../run/card.js'
import { ADAPTERHUB_FILES } from './adapterhub/names.js'
import { OPENDELTA_FILES } from './opendelta/write.js'
import { PEFT_FILES } from './peft/names.js'
import { isReference } from './reference/read.js'

/** What a folder of each format has, in words, where the folder has it. */
const SIGNS: Record<ImportFormat, (folder: string) => string | undefined> = {
  peft: (folder) => keyIn(folder, PEFT_FILES.config, 'peft_type'),
  adapterhub: (folder) => keyIn(folder, ADAPTERHUB_FILES.config, 'config'),
  opendelta: (folder) => keyIn(folder, OPENDELTA_FILES.config, 'delta_type'),
  reference: (folder) => (isReference(folder) ? "its tensors have the names of the paper's code" : undefined),
}

const CONFIG_LIMIT = 1_000_000

function keyIn(folder: string, file: string, key: string): string | undefined {
  try {
    const value = readJson(join(folder, file), { limit: CONFIG_LIMIT })
    return isMapping(value) && value[key] !== undefined ? `${file} has ${key}` : undefined
  } catch (error) {
    if (error instanceof UserError) return undefined // the reader of the format that was named says what is wrong
    throw error
  }
}

/**
 * Checks that a folder is not of another format than the one that the user named. `card` is that of our own exports.
 * @throws UserError that names the folder's format, and the flag for it; also where there is no such folder.
 */
export function checkFormat(folder: string, format: ImportFormat, card: Card | undefined): void {
  checkFolder(folder)
  if (card && !isImportable(card.format)) {
    const problem = `is an export of the format ${card.format}, which is not imported.`
    const remedy =
      card.format === 'safetensors'
        ? '`compacter eval`, `predict` and `export` take it as it is.'
        : 'Name the run itself, or export it again with --format safetensors.'
    throw new UserError({ at: folder, problem, remedy })
  }
  if (SIGNS[format](folder) !== undefined) return
  const other = IMPORT_FORMATS.find((other) => SIGNS[other](folder) !== undefined)
  if (other === undefined) return
  const problem = `is of the format ${other}, not ${format}: ${SIGNS[other](folder)}.`
  throw new UserError({ at: folder, problem, remedy: `Import it with --format ${other}.` })
}

function checkFolder(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return
  const problem = stats ? `is ${specialKind(stats) ?? 'a file'}, not a folder.` : 'there is no such folder.'
  throw new UserError({ at: path, problem, remedy: 'Name the folder that the library saved.' })
}
