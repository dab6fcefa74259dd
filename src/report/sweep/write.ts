import { join } from 'node:path'
import { writeAtomically } from '../../base/files/atomic.js'
import { withoutSecrets } from '../../base/secrets.js'
import { writeJson } from '../../run/directory.js'
import type { SweepResults } from '../../sweep/results/results.js'
import { sweepFiles } from '../../sweep/run/folder.js'
import { writeReport } from '../write.js'
import { resultsCsv, resultsMarkdown } from './sweep.js'

/** Leaves what a sweep came to in its folder: for programs, for tables, for people, and the page with the plots. */
export async function writeResults(results: SweepResults): Promise<void> {
  const files = sweepFiles(results.folder)
  const shown = withoutSecrets(results) // why cells failed may quote an address
  writeJson(files.results, shown)
  writeAtomically(files.csv, resultsCsv(shown))
  writeAtomically(files.markdown, resultsMarkdown(shown))
  if (results.cells.every(({ state }) => state !== 'finished')) return
  await writeReport([results.folder], { format: 'html', out: join(results.folder, 'report.html'), force: true })
}
