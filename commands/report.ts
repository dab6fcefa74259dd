import { Args, Flags } from '@oclif/core'
import { REPORT_FORMATS } from '../src/base/choices.js'
import { counted } from '../src/base/text/counted.js'
import { Command } from '../src/cli/command.js'
import type { WrittenReport } from '../src/report/write.js'

export default class Report extends Command {
  static summary = 'Compare runs: one page with tables and plots, or a table for a paper.'
  static description =
    'Takes runs and folders of runs, such as a low-resource grid, and reads nothing but their own files. Runs ' +
    'that differ only in their seed become one row: mean ± sample standard deviation. Runs that are unfinished ' +
    'or damaged are listed with the reason.'
  static examples = [
    { description: 'A page about one run', command: '<%= config.bin %> report runs/quickstart --out report.html' },
    {
      description: 'Compare all runs of a folder',
      command: '<%= config.bin %> report runs --out report.html --force',
    },
    {
      description: 'A table for LaTeX with booktabs',
      command: '<%= config.bin %> report runs/rte-* runs/mrpc-* --format latex',
    },
    {
      description: 'Worst rows and a confusion matrix too',
      command: '<%= config.bin %> eval runs/quickstart --predictions runs/quickstart/predictions.jsonl',
    },
  ]
  static args = {
    run: Args.string({ description: 'Run directories, or folders of them.', required: true, multiple: true }),
  }
  static flags = {
    out: Flags.string({
      description: 'File to write; default: report.html for a page, standard output for a table.',
      helpValue: 'FILE',
    }),
    format: Flags.option({
      options: REPORT_FORMATS,
      default: 'html' as const,
      description: 'A page with plots, or a table of methods and tasks.',
    })(),
    force: Flags.boolean({ description: 'Replace the file if it exists.' }),
  }
  static enableJsonFlag = true

  async run(): Promise<Omit<WrittenReport, 'text'>> {
    const { args, flags } = await this.parse(Report)
    const { format, force } = flags
    const out = flags.out ?? (format === 'html' ? 'report.html' : undefined)
    const { writeReport } = await import('../src/report/write.js')
    const { text, ...written } = await writeReport(args.run, { format, out, force })
    for (const { folder, reason } of written.left_out) this.logToStderr(`Warning: ${folder}: ${reason}`)
    this.log('%s', out === undefined ? text.trimEnd() : `${out}: ${counted(written.runs, 'run')}`)
    return written
  }
}
