import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import type { Pushed } from '../../format/push.js'
import { drawTable } from './table.js'

/** Returns the files with their sizes, and the address of what was uploaded. */
export function pushTable({ repository, files, bytes, url, commit, revision, created }: Pushed): string {
  const table = drawTable(
    [{ head: 'file' }, { head: 'size', right: true }],
    files.map((file) => [file.path, byteSize(file.bytes)]),
  )
  const sum = `${counted(files.length, 'file')}, ${byteSize(bytes)}`
  const where = revision === 'main' ? '' : ` on ${revision}`
  const done =
    commit === undefined
      ? `${sum} would be sent to ${repository}${where}.`
      : `${url}: ${sum}, commit ${commit.slice(0, 7)}${where}${created ? '; the repository was made' : ''}`
  return `${table}\n${done}`
}
