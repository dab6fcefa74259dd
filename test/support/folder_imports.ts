import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { packageRoot } from '../../src/base/root.js'

/** The folders of src in docs/design.md's order: each may import the ones below it only, types included. */
export const ORDER = [
  ...readFileSync(join(packageRoot, 'docs/design.md'), 'utf8').matchAll(/^\| `src\/(\w+)\/` \|/gm),
].map(([, name]) => name!)

/** The source files below src, as `task/rows/rows.ts`. */
export const sourceFiles = (readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' }) as string[])
  .filter((file) => /\.(ts|cts|cjs)$/.test(file))
  .sort()

export const folderOf = (file: string) => file.split(sep)[0]!

/** What a file imports of another folder of src. */
export interface FolderImport {
  file: string
  from: string
  to: string
}

/** Returns every import between two folders of src, types included. */
export function folderImports(): FolderImport[] {
  return sourceFiles.flatMap((file) => {
    const text = readFileSync(join(packageRoot, 'src', file), 'utf8')
    const imports = [...text.matchAll(/(?:from|import|require)\s*\(?\s*'(\.[^']+)'/g)]
    return imports
      .map(([, path]) => ({ file, from: folderOf(file), to: folderOf(normalize(join(dirname(file), path!))) }))
      .filter(({ from, to }) => from !== to)
  })
}

/** Whether an import goes from a folder to one above it. */
export const isUp = ({ from, to }: FolderImport): boolean => ORDER.indexOf(to) < ORDER.indexOf(from)
