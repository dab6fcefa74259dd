import { Args, Flags } from '@oclif/core'
import { RESULT_FORMATS } from '../../src/base/choices.js'
import { Command } from '../../src/cli/command.js'
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
    { description: 'A page with plots', command: '<%= config.bin %> report runs/quick --out quick.html' },
  ]
  static args = { folder: Args.string({ description: "The sweep's folder.", required: true }) }
  static flags = {
    format: Flags.option({
      options: RESULT_FORMATS,
      default: 'table' as const,
      description: 'Tables of settings, or a line per cell for csv.',
    })(),
  }
  static enableJsonFlag = true

  async run(): Promise<SweepResults> {
    const { args, flags } = await this.parse(Results)
    const { readResults } = await import('../../src/sweep/results/results.js')
    const { formatResults } = await import('../../src/report/sweep/sweep.js')
    const results = await readResults(args.folder)
    this.log('%s', formatResults(results, flags.format))
    return results
  }
}
