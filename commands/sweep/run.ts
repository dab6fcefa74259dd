import { Args, Flags } from '@oclif/core'
import { Command } from '../../src/cli/command.js'
import { allowChangedFlag, deviceFlags, quietFlag, setFlag, trainingFlags } from '../../src/cli/flags.js'
import type { Override } from '../../src/experiment/overrides.js'
import type { SweepOptions } from '../../src/sweep/run/run.js'

type Sets = readonly (string | Override)[]

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
      description: "What the paper's first table would cost here",
      command: '<%= config.bin %> sweep run paper/table-1 --dry-run',
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
        'Print the cells with their parameters, and time and memory measured with a few steps, or of a whole table ' +
        'estimated; write nothing.',
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
    const { dir: folder, 'retry-failed': retryFailed, 'allow-changed': allowChanged } = flags
    return stoppable(this.line(), (interrupted) => {
      const options = { ...flags, folder, retryFailed, allowChanged, progress, interrupted }
      if (flags['dry-run']) return this.plan(args.sweep, setsOf(flags), options)
      return flags.on === 'slurm'
        ? this.submit(args.sweep, setsOf(flags), options)
        : this.train(args.sweep, setsOf(flags), options)
    })
  }

  private async plan(file: string, sets: Sets, options: SweepOptions): Promise<object> {
    const { planSweep } = await import('../../src/sweep/plan/plan.js')
    const { loadSweep } = await import('../../src/sweep/plan/load.js')
    const { sweepPlanTable } = await import('../../src/report/sweep/plan.js')
    const plan = await planSweep(loadSweep(file, sets), options)
    this.log(sweepPlanTable(plan))
    return plan
  }

  private async train(file: string, sets: Sets, options: SweepOptions): Promise<object> {
    const { runSweep } = await import('../../src/sweep/run/run.js')
    const { resultsTable } = await import('../../src/report/sweep/sweep.js')
    const { writeResults } = await import('../../src/report/sweep/write.js')
    const results = await runSweep(file, sets, { ...options, write: writeResults })
    if (results.cells.some(({ state }) => state !== 'finished')) process.exitCode = 1
    this.log(`${resultsTable(results)}\n${results.folder}`)
    return results
  }

  private async submit(file: string, sets: Sets, options: SweepOptions): Promise<object> {
    const { submitCells } = await import('../../src/sweep/run/run.js')
    const { submissionLine } = await import('../../src/report/sweep/sweep.js')
    const submission = await submitCells(file, sets, options)
    this.log(submissionLine(submission))
    return submission
  }
}
