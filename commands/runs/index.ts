import { Args, Flags } from '@oclif/core'
import { Command } from '../../src/cli/command.js'
import { repeatable } from '../../src/cli/flags.js'
import type { RunList } from '../../src/runs/list.js'

export default class Runs extends Command {
  static summary = 'List runs with their scores, time, size and state.'
  static description =
    'A run is finished, interrupted (train --resume continues it), running (a living process holds it) or broken, ' +
    'with the reason below the table. Scores are those of the best checkpoint so far.'
  static examples = [
    { description: 'What is in runs/', command: '<%= config.bin %> runs' },
    { description: 'The best on validation first', command: '<%= config.bin %> runs --sort accuracy' },
    {
      description: 'Some of them, by the table or by keys of the experiment',
      command: '<%= config.bin %> runs --where method=compacter --where training.seed=1',
    },
    { description: 'What takes the most room', command: '<%= config.bin %> runs sweeps/rates --sort size' },
  ]
  static args = {
    folder: Args.string({ description: 'A run, or a folder of runs.', default: 'runs' }),
  }
  static flags = {
    sort: Flags.string({
      description:
        'Column or metric to sort by: the best score first, of other numbers the highest. A metric is that of the ' +
        'validation rows; test.accuracy is that of the test rows.',
      helpValue: 'METRIC',
    }),
    where: Flags.string({
      description: 'Only runs with this value of a column or of a key of the experiment; may be repeated.',
      helpValue: 'key=value',
      ...repeatable,
    }),
  }
  static enableJsonFlag = true

  async run(): Promise<RunList> {
    const { args, flags } = await this.parse(Runs)
    const { listRuns } = await import('../../src/runs/list.js')
    const { runsTable } = await import('../../src/report/tables/runs.js')
    const list = await listRuns(args.folder, flags)
    this.log('%s', runsTable(list.runs, flags.where))
    return list
  }
}
