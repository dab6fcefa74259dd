import { join } from 'node:path'
import { writeAtomically } from '../atomic.js'
import { resultsCsv, resultsMarkdown } from '../report/sweep.js'
import { writeReport } from '../report/write.js'
import { writeJson } from '../run/directory.js'
import { sweepFiles } from './folder.js'
import type { SweepResults } from './results.js'

/** Leaves what a sweep came to in its folder: for programs, for tables, for people, and the page with the plots. */
export async function writeResults(results: SweepResults): Promise<void> {
  const files = sweepFiles(results.folder)
  writeJson(files.results, results)
  writeAtomically(files.csv, resultsCsv(results))
  writeAtomically(files.markdown, resultsMarkdown(results))
  if (results.cells.every(({ state }) => state !== 'finished')) return
  await writeReport([results.folder], { format: 'html', out: join(results.folder, 'report.html'), force: true })
}
