import { setTimeout as sleep } from 'node:timers/promises'
import { Args, Flags } from '@oclif/core'
import { Command } from '../../src/cli/command.js'
import type { SweepStatus } from '../../src/sweep/results/status.js'

const EVERY_MS = 2000
/** Below the table: the counts, what is cut, the prompt. */
const ROWS_BESIDE = 8

export default class Status extends Command {
  static summary = 'Show every cell of a sweep and its progress.'
  static description = 'On a terminal the table is drawn again while cells are trained; Ctrl-C only ends the watching.'
  static examples = [
    { description: 'Watch', command: '<%= config.bin %> sweep status runs/quick' },
    { description: 'Names of the cells that failed', command: '<%= config.bin %> sweep status runs/quick --json' },
  ]
  static args = { folder: Args.string({ description: "The sweep's folder.", required: true }) }
  static flags = {
    watch: Flags.boolean({
      description: 'Redraw until no cell is running or queued (default: on a terminal).',
      allowNo: true,
    }),
  }
  static enableJsonFlag = true

  async run(): Promise<SweepStatus> {
    const { args, flags } = await this.parse(Status)
    const { readStatus } = await import('../../src/sweep/results/status.js')
    const { statusTable } = await import('../../src/report/sweep/sweep.js')
    const watched = !this.jsonEnabled() && (flags.watch ?? process.stdout.isTTY === true)
    for (;;) {
      const status = await readStatus(args.folder)
      const live = watched && status.active
      const room = live && process.stdout.isTTY ? process.stdout.rows - ROWS_BESIDE : undefined
      if (watched && process.stdout.isTTY) process.stdout.write(CLEAR)
      this.log('%s', statusTable(status, room))
      if (!live) return status
      await sleep(EVERY_MS)
    }
  }
}

const CLEAR = '\x1b[H\x1b[2J'
