import { Args } from '@oclif/core'
import { Command } from '../../src/cli/command.js'
import { allowChangedFlag, sharedFlags } from '../../src/cli/flags.js'
import type { Result } from '../../src/run/directory.js'

export default class Cell extends Command {
  static summary = 'Train one cell of a sweep to its end, as sweep run and the jobs of a cluster do.'
  static hidden = true
  static args = {
    folder: Args.directory({ description: "The sweep's folder.", required: true }),
    index: Args.integer({ description: 'Number of the cell in cells.json, from 0.', required: true, min: 0 }),
  }
  static flags = { 'allow-changed': allowChangedFlag, ...sharedFlags }
  static enableJsonFlag = true

  async run(): Promise<Result> {
    const { args, flags } = await this.parse(Cell)
    const { runCell } = await import('../../src/sweep/run/cell.js')
    const { untilInterrupted } = await import('../../src/cli/interrupt.js')
    const { terminalProgress } = await import('../../src/cli/terminal.js')
    const progress = await terminalProgress(flags)
    const { onRanks } = await import('../../src/engine/cluster/enter.js')
    const { engine, 'allow-changed': allowChanged } = flags
    return onRanks({ ...flags, progress }, (entered) => {
      this.silent = entered.ranks.rank > 0
      return untilInterrupted((interrupted) =>
        runCell(args.folder, args.index, { engine, allowChanged, ...entered, interrupted }),
      )
    })
  }
}
