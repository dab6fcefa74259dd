import { Args, Flags } from '@oclif/core'
import { errorLine } from '../../src/base/text/printable.js'
import { Command } from '../../src/cli/command.js'
import type { Cleaning } from '../../src/runs/clean.js'

export default class Clean extends Command {
  static summary = 'Remove what only a longer training reads from finished runs: checkpoints and last tensors.'
  static description =
    'Asks first. eval, predict, export, report and compare work as before, since the best tensors stay; ' +
    'train --resume can then not make such a run longer. Runs that are interrupted, running or broken are never ' +
    'touched.'
  static examples = [
    { description: 'How much that would free', command: '<%= config.bin %> runs clean --dry-run' },
    { description: 'Clean the runs of a sweep', command: '<%= config.bin %> runs clean sweeps/rates' },
    { description: 'Without being asked, for a script', command: '<%= config.bin %> runs clean --yes --json' },
  ]
  static args = {
    folder: Args.string({ description: 'A run, or a folder of runs.', default: 'runs' }),
  }
  static flags = {
    yes: Flags.boolean({ char: 'y', description: 'Remove without asking.', exclusive: ['dry-run'] }),
    'dry-run': Flags.boolean({ description: 'Say what would be removed; remove nothing.' }),
  }
  static enableJsonFlag = true

  async run(): Promise<Cleaning & { removed: boolean }> {
    const { args, flags } = await this.parse(Clean)
    const { clean, planCleaning } = await import('../../src/runs/clean.js')
    const { cleaningTable } = await import('../../src/report/tables/cleaning.js')
    const { confirmed } = await import('../../src/cli/confirm.js')
    const planned = await planCleaning(args.folder)
    if (flags['dry-run'] || planned.runs.length === 0) {
      this.log('%s', cleaningTable(planned, 'would be freed'))
      return { ...planned, removed: false }
    }
    if (!flags.yes) {
      errorLine(cleaningTable(planned, 'to be freed'))
      if (!(await confirmed('Remove them?'))) {
        errorLine('Nothing was removed.')
        return { ...planned, removed: false }
      }
    }
    const cleaned = await clean(planned)
    this.log('%s', cleaningTable(cleaned, 'freed'))
    return { ...cleaned, removed: true }
  }
}
