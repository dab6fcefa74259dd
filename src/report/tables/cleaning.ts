import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import type { Cleaning } from '../../runs/clean.js'
import { drawTable } from './table.js'

/** Returns how much is freed in each run and in all, and which runs are left as they are. */
export function cleaningTable({ runs, bytes, untouched }: Cleaning, freed: string): string {
  const rows = [...runs.map((run) => [run.folder, byteSize(run.bytes)])]
  const table = rows.length > 0 ? [drawTable([{ head: 'run' }, { head: freed, right: true }], rows)] : []
  const left = untouched.map(({ folder, reason }) => `Left as it is: ${folder}: ${reason}`)
  const kept = runs.flatMap((run) =>
    (run.kept ?? []).map((file) => `Stays, as training did not write it: ${run.folder}/${file}`),
  )
  const sum =
    rows.length > 0
      ? `${byteSize(bytes)} in ${counted(rows.length, 'run')}.`
      : 'No finished run has a checkpoint or last tensors.'
  return [...table, ...left, ...kept, sum].join('\n')
}
