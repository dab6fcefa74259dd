import { Args, Flags, type Interfaces } from '@oclif/core'
import { commandLine, quoted } from '../../src/base/command_line.js'
import { counted } from '../../src/base/text/counted.js'
import { Command } from '../../src/cli/command.js'
import { allowChangedFlag, deviceFlags, quietFlag, setFlag, trainingFlags } from '../../src/cli/flags.js'
import type { Submission } from '../../src/sweep/slurm/slurm.js'

type RunFlags = Interfaces.InferredFlags<typeof Run.flags>

export default class Run extends Command {
  static summary = 'Train every cell of a sweep: an experiment with lists of values for some of its keys.'
  static description =
    'All cells are checked before the first one starts. Each leaves an ordinary run directory in the folder of ' +
    'the sweep. Ctrl-C saves, and the same command continues: finished cells are never trained again, started ' +
    'ones are resumed, failed ones are listed.'
  static examples = [
    {
      description: 'A first try: two methods, two learning rates, two seeds',
      command: '<%= config.bin %> sweep run quick',
    },
    {
      description: 'Count parameters, time and memory of every cell; train nothing',
      command: '<%= config.bin %> sweep run quick --dry-run',
    },
    {
      description: 'A sweep of your own, four cells at once',
      command: '<%= config.bin %> sweep run my.yaml --dir runs/my --jobs 4',
    },
    {
      description: 'On a cluster: one job array',
      command: '<%= config.bin %> sweep run my.yaml --on slurm',
    },
    { description: 'Try again what failed', command: '<%= config.bin %> sweep run my.yaml --retry-failed' },
  ]
  static args = {
    sweep: Args.string({ description: 'Sweep file, or the name of a shipped one.', required: true }),
  }
  static flags = {
    dir: Flags.string({ description: 'Folder of the sweep (default: runs/<name>).', helpValue: 'DIR' }),
    set: setFlag,
    ...trainingFlags,
    'dry-run': Flags.boolean({
      description:
        'Print the cells with their parameters, and time and memory measured with a few steps; write nothing.',
    }),
    'retry-failed': Flags.boolean({ description: 'Also train the cells that failed.', exclusive: ['dry-run'] }),
    on: Flags.option({
      options: ['local', 'slurm'] as const,
      default: 'local' as const,
      description: "This machine, or a SLURM cluster's queue with the sweep's slurm options.",
    })(),
    jobs: Flags.integer({
      description: 'Cells at once (default: one here, as many as there is room for on a cluster).',
      min: 1,
    }),
    'allow-changed': allowChangedFlag,
    ...deviceFlags,
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Run)
    const { terminalProgress } = await import('../../src/cli/terminal.js')
    const { setsOf } = await import('../../src/experiment/short_forms.js')
    const { stoppable } = await import('../../src/cli/interrupt.js')
    const progress = await terminalProgress(flags)
    return stoppable(this.line(), async (interrupted) => {
      const options = { ...optionsOf(flags), progress, interrupted }
      const sets = setsOf(flags)
      if (flags['dry-run']) {
        const { planSweep } = await import('../../src/sweep/plan/plan.js')
        const { loadSweep } = await import('../../src/sweep/plan/load.js')
        const { sweepPlanTable } = await import('../../src/report/sweep/plan.js')
        const plan = await planSweep(loadSweep(args.sweep, sets), options)
        this.log(sweepPlanTable(plan))
        return plan
      }
      const { runSweep, submitCells } = await import('../../src/sweep/run/run.js')
      if (flags.on === 'slurm') return this.submitted(await submitCells(args.sweep, sets, options))
      const { resultsTable } = await import('../../src/report/sweep/sweep.js')
      const { writeResults } = await import('../../src/report/sweep/write.js')
      const results = await runSweep(args.sweep, sets, { ...options, write: writeResults })
      if (results.cells.some(({ state }) => state !== 'finished')) process.exitCode = 1
      this.log(`${resultsTable(results)}\n${results.folder}`)
      return results
    })
  }

  private submitted(submission: Submission & { folder: string }): object {
    const { jobId, indices, folder } = submission
    this.log(
      `SLURM's job ${jobId}: ${counted(indices.length, 'cell')}. Watch: ` +
        `${commandLine(`sweep status ${quoted(folder)}`)}`,
    )
    return submission
  }
}

const optionsOf = ({ dir, jobs, engine, threads, ...flags }: RunFlags) => ({
  folder: dir,
  jobs,
  retryFailed: flags['retry-failed'],
  allowChanged: flags['allow-changed'],
  engine,
  ...(threads !== undefined && { threads }),
})
