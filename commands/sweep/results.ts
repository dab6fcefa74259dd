import { Args, Flags } from '@oclif/core'
import { RESULT_FORMATS, type ResultFormat } from '../../src/base/choices.js'
import { Command } from '../../src/cli/command.js'
import type { PaperTable } from '../../src/sweep/results/paper_table.js'
import type { SweepResults } from '../../src/sweep/results/results.js'

export default class Results extends Command {
  static summary = 'Print the results of a sweep: scores by axis, the best of each value, mean ± deviation over seeds.'
  static description =
    'Reads the finished cells, even while others train. The best is chosen on validation; a line names its ' +
    'folder. `compacter report DIR` makes a page with plots.'
  static examples = [
    { description: 'Tables', command: '<%= config.bin %> sweep results runs/quick' },
    {
      description: 'Every cell, for a spreadsheet',
      command: '<%= config.bin %> sweep results runs/quick --format csv',
    },
    {
      description: "Methods and tasks as in the paper's tables, with its numbers, for LaTeX",
      command: '<%= config.bin %> sweep results runs/table-1 --table paper --format latex',
    },
    { description: 'A page with plots', command: '<%= config.bin %> report runs/quick --out quick.html' },
  ]
  static args = { folder: Args.string({ description: "The sweep's folder.", required: true }) }
  static flags = {
    format: Flags.option({
      options: RESULT_FORMATS,
      default: 'table' as const,
      description: 'Tables of settings, or a line per cell for csv.',
    })(),
    table: Flags.option({
      options: ['paper'] as const,
      description: "A line for each method, a column for each task, and the paper's numbers next to these.",
    })(),
  }
  static enableJsonFlag = true

  async run(): Promise<SweepResults | PaperTable> {
    const { args, flags } = await this.parse(Results)
    if (flags.table === 'paper') return this.asInThePaper(args.folder, flags.format)
    const { readResults } = await import('../../src/sweep/results/results.js')
    const { formatResults } = await import('../../src/report/sweep/sweep.js')
    const results = await readResults(args.folder)
    this.log('%s', formatResults(results, flags.format))
    return results
  }

  private async asInThePaper(folder: string, format: ResultFormat): Promise<PaperTable> {
    const { readPaperTable } = await import('../../src/sweep/results/paper_table.js')
    const { formatPaperTable } = await import('../../src/report/sweep/paper.js')
    const table = await readPaperTable(folder)
    this.log('%s', formatPaperTable(table, format))
    return table
  }
}
