import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this package's package.json, from the sources and from `dist/` alike. */
export const packageRoot = ((folder: string): string => {
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
})(dirname(fileURLToPath(import.meta.url)))

/** The version in package.json. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
