import { existsSync } from 'node:fs'
import type { ReportFormat } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { checkWritable, writeAtomically } from '../base/files/atomic.js'
import { isStream } from '../base/files/special_file.js'
import { version } from '../base/root.js'
import { type Summary, summaryOf } from '../run/compare/groups.js'
import { comparisonLatex, comparisonMarkdown } from './comparison.js'
import { reportPage } from './page/page.js'
import { type Report, readReport } from './report.js'

export interface WriteReportOptions {
  format: ReportFormat
  /** The file to write; undefined to write nothing. */
  out: string | undefined
  /** Whether an existing file is replaced. */
  force: boolean
}

/** What --json prints. */
export interface WrittenReport {
  out: string | null
  /** The page or table itself. */
  text: string
  runs: number
  groups: ({ method: string; task: string; runs: string[] } & Partial<Omit<Summary, 'runs'>>)[]
  left_out: { folder: string; reason: string }[]
}

/**
 * Reads runs and writes their results as a page or a table.
 * @throws UserError where nothing can be read, no run has scores for a table, or the file exists already.
 */
export async function writeReport(paths: readonly string[], options: WriteReportOptions): Promise<WrittenReport> {
  const { out, force } = options
  if (out !== undefined) checkTarget(out, force)
  const report = await readReport(paths)
  const text = await textOf(report, options.format)
  if (out !== undefined) writeAtomically(out, text, { streams: true })
  const groups = report.groups.map((group) => {
    const { runs: _, ...summary } = summaryOf(group) ?? { runs: 0 }
    return { method: group.method, task: group.task, runs: group.runs.map(({ folder }) => folder), ...summary }
  })
  return { out: out ?? null, text, runs: report.runs.length, groups, left_out: report.leftOut }
}

/** Checks the target before the runs are read. */
function checkTarget(out: string, force: boolean): void {
  if (existsSync(out) && !isStream(out) && !force) {
    throw new UserError({
      at: out,
      problem: 'exists already.',
      remedy: 'Replace it with --force, or choose another --out.',
    })
  }
  checkWritable(out, { streams: true })
}

async function textOf(report: Report, format: ReportFormat): Promise<string> {
  if (format === 'html') {
    return reportPage(report, { version, date: new Date() })
  }
  if (report.comparison.rows.length === 0) {
    throw new UserError({
      problem: 'None of these runs has been trained to its end here, so there are no scores for a table.',
      remedy: '--format html shows their curves.',
    })
  }
  const { comparison, cautions } = report
  return format === 'latex' ? comparisonLatex(comparison, cautions) : comparisonMarkdown(comparison, cautions)
}
