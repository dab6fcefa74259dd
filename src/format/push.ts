import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import type { Format } from '../base/choices.js'
import { readText } from '../base/files/read.js'
import type { Progress } from '../base/progress.js'
import { packageRoot } from '../base/root.js'
import { ownPlaces } from '../experiment/places.js'
import { checkModelId, type Uploaded, type UploadFile, uploadFolder } from '../hub/upload.js'
import { readCard } from '../run/card.js'
import { type ExportOptions, exportRun } from './export.js'

export interface PushOptions extends Pick<ExportOptions, 'format' | 'sets' | 'allowChanged' | 'progress'> {
  /** `owner/name` on the hub. */
  repository: string
  private: boolean
  revision: string
  message?: string | undefined
  /** Say what would be sent, and send nothing. */
  dryRun: boolean
}

/** What was pushed, or would be; without `commit` nothing was sent. */
export interface Pushed extends Partial<Uploaded> {
  repository: string
  revision: string
  format: Format
  files: UploadFile[]
  bytes: number
}

/**
 * Exports a run into a temporary folder and uploads it to the hub as one commit.
 * @throws UserError as `exportRun` and `uploadFolder`
 */
export async function pushRun(run: string, options: PushOptions): Promise<Pushed> {
  const { repository, revision, format, dryRun, progress, sets, allowChanged } = options
  checkModelId(repository)
  const temporary = mkdtempSync(join(tmpdir(), 'compacter-push-'))
  try {
    const out = join(temporary, 'export')
    const exported = await exportRun(run, { format, out, force: false, sets, allowChanged, progress })
    const files = exported.files.map((path) => ({
      path: path.split(sep).join('/'),
      bytes: statSync(join(out, path)).size,
    }))
    const pushed: Pushed = { repository, revision, format, files, bytes: exported.bytes }
    const card = readCard(out)
    warnOfPlaces([...Object.values(ownPlaces(card.experiment)), ...toolkitPlaces(out, files)], progress)
    if (dryRun) return pushed
    const message = options.message ?? `Upload ${card.experiment.name} by compacter`
    progress.phase(`Uploading to ${repository}`)
    const shown = { onState: progress.update, onNote: progress.note }
    const uploaded = await uploadFolder(out, files, { ...options, id: repository, message, ...shown })
    progress.end()
    return { ...pushed, ...uploaded }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Returns the paths in the texts of an export that lead into the toolkit's folder: to a bundled backbone. */
function toolkitPlaces(out: string, files: readonly UploadFile[]): string[] {
  return files
    .filter(({ path }) => /\.(md|json|ya?ml)$/.test(path))
    .flatMap(({ path }) => readText(join(out, path)).split(packageRoot).slice(1))
    .map((rest) => `${packageRoot}${/^[^\s"'`)]*/.exec(rest)![0]}`)
}

/** An export names the user's own files by their absolute paths, which may say more than the user wants to publish. */
function warnOfPlaces(places: readonly string[], { warn }: Progress): void {
  if (places.length === 0) return
  warn(`The export names paths of this machine, which the repository then shows: ${[...new Set(places)].join(', ')}.`)
}
