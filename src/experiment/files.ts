import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { nearest } from '../nearest.js'
import type { Mapping } from './merge.js'
import type { Path } from './source.js'
import { type Fault, shown } from './wording.js'

const SPLITS = ['train', 'validation', 'test']

/**
 * The task with absolute paths of its data files, and those that are missing. A relative path starts from the folder of
 * the file that it stands in, or from `directory`, the task's `path`, for a preset read from elsewhere.
 */
export function resolveDataFiles(task: Mapping, folderOf: (path: Path) => string, directory: string | undefined) {
  const faults: Fault[] = []
  const files: Mapping = {}
  for (const split of SPLITS) {
    const given = task[split]
    if (typeof given !== 'string' || given === '') continue
    const file = resolve(directory ?? folderOf(['task', split]), given)
    files[split] = file
    if (!existsSync(file)) faults.push(missingFile(['task', directory ? 'path' : split], `task.${split}`, given, file))
    else if (statSync(file).isDirectory()) {
      faults.push({
        path: ['task', split],
        problem: `task.${split} is ${shown(given)}, a directory; it must be a file.`,
      })
    }
  }
  return { task: { ...task, ...files }, faults }
}

function missingFile(path: string[], key: string, given: string, file: string): Fault {
  const near = nearFile(file)
  const problem = `${key} is ${shown(given)}; there is no file ${file}.`
  return { path, problem, ...(near && { remedy: `Did you mean ${near}?` }) }
}

/** The name beside a missing file that is most like its own. */
export function nearFile(file: string): string | undefined {
  const folder = dirname(file)
  return existsSync(folder) ? nearest(basename(file), readdirSync(folder)) : undefined
}
