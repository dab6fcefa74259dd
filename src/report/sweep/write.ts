import { join } from 'node:path'
import { makeFolder, writeAtomically } from '../../base/files/atomic.js'
import { withoutSecrets } from '../../base/secrets.js'
import { writeJson } from '../../run/directory.js'
import type { SweepResults } from '../../sweep/results/results.js'
import { sweepFiles } from '../../sweep/run/folder.js'
import type { LowResourceResults } from '../../sweep/run/low_resource.js'
import { curvePlot } from '../plots.js'
import { writeReport } from '../write.js'
import { lowResourceCsv, lowResourceMarkdown } from './low_resource.js'
import { resultsCsv, resultsMarkdown } from './sweep.js'

/** Writes a sweep's results into its folder: for programs, for tables, for people, and the page with the plots. */
export async function writeResults(results: SweepResults): Promise<void> {
  const files = sweepFiles(results.folder)
  const shown = withoutSecrets(results) // the reason of a failed cell may quote an address
  writeJson(files.results, shown)
  writeAtomically(files.csv, resultsCsv(shown))
  writeAtomically(files.markdown, resultsMarkdown(shown))
  if (results.cells.every(({ state }) => state !== 'finished')) return
  await writeReport([results.folder], { format: 'html', out: join(results.folder, 'report.html'), force: true })
}

/** Writes the results of a low-resource grid into its folder: for programs, for tables, for people, and the plot. */
export async function writeLowResource(results: LowResourceResults): Promise<void> {
  const { folder } = results
  const shown = withoutSecrets(results) // the reason of a failed run may quote an address
  makeFolder(folder)
  writeJson(join(folder, 'results.json'), shown)
  writeAtomically(join(folder, 'results.csv'), lowResourceCsv(shown))
  writeAtomically(join(folder, 'results.md'), lowResourceMarkdown(shown))
  if (shown.cells.length > 0) writeAtomically(join(folder, 'curve.svg'), await curvePlot(shown))
}
