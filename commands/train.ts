import { resolve } from 'node:path'
import { Args, Flags, type Interfaces } from '@oclif/core'
import type { Progress } from '../src/base/progress.js'
import { Command } from '../src/cli/command.js'
import { allowChangedFlag, deviceFlags, mpiFlag, quietFlag, setFlag, trainingFlags } from '../src/cli/flags.js'
import type { Entered } from '../src/engine/cluster/enter.js'
import type { LowResourceResults } from '../src/sweep/run/low_resource.js'

type TrainFlags = Interfaces.InferredFlags<typeof Train.flags>

const list = { multiple: true, multipleNonGreedy: true, delimiter: ',' } as const

export default class Train extends Command {
  static summary = 'Train an experiment and report its validation and test scores.'
  static description =
    'Leaves a run directory: the experiment with every value in force, a manifest, metrics, checkpoints, the ' +
    'best trained tensors and the result. Ctrl-C saves first; --resume continues to the same bits as if the ' +
    'run had never stopped.'
  static examples = [
    { description: 'Train the experiment that comes with the toolkit', command: '<%= config.bin %> train quickstart' },
    {
      description: 'Change values for this run',
      command: '<%= config.bin %> train experiments/quickstart.yaml --set method.n=8 --seed 1 --run-dir runs/n8',
    },
    {
      description: 'Continue after Ctrl-C, a kill or a power cut',
      command: '<%= config.bin %> train --resume runs/quickstart',
    },
    {
      description: 'Train longer, even after the last step',
      command: '<%= config.bin %> train --resume runs/quickstart --steps 2000',
    },
    {
      description: 'Start from the tensors that another run has trained',
      command: '<%= config.bin %> train rte.yaml --set training.start_from=runs/mnli',
    },
    {
      description:
        'Two methods on 100, 500 and 1000 training rows, three draws of each; the same command continues after Ctrl-C',
      command:
        '<%= config.bin %> train quickstart --low-resource --sizes 100,500,1000 --seeds 3 --methods compacter,full',
    },
    {
      description: 'Share each step between four processes',
      command: 'mpirun -n 4 <%= config.bin %> train quickstart --mpi',
    },
    { description: 'Check everything and time one step', command: '<%= config.bin %> train quickstart --dry-run' },
  ]
  static args = {
    experiment: Args.string({
      description: 'Experiment file, or the name of a shipped one; with --resume also the folder of a run.',
      required: true,
    }),
  }
  static flags = {
    set: setFlag,
    ...trainingFlags,
    'run-dir': Flags.string({ description: 'Folder of the run (default: runs/<name>).', helpValue: 'DIR' }),
    resume: Flags.boolean({
      description:
        'Continue the run in the folder. It may become longer, even after its end: --steps, --epochs or --set ' +
        'training.patience.',
    }),
    'allow-changed': allowChangedFlag,
    ...deviceFlags,
    mpi: mpiFlag,
    quiet: quietFlag,
    'dry-run': Flags.boolean({
      description: 'Check backbone, data and memory with two steps; write nothing.',
      exclusive: ['mpi'],
    }),
    'low-resource': Flags.boolean({
      description: 'Train on subsets of the training rows, a run for every size, seed and method, and summarise.',
      exclusive: ['resume', 'dry-run', 'mpi'],
    }),
    sizes: Flags.integer({
      description: "Training rows of --low-resource (default: the paper's 100 to 4000, up to the number of rows).",
      helpValue: '100,500,…',
      dependsOn: ['low-resource'],
      ...list,
      min: 1,
    }),
    seeds: Flags.integer({
      description: 'Subsets of each size in --low-resource (default: 5).',
      dependsOn: ['low-resource'],
      min: 1,
    }),
    methods: Flags.string({
      description: "Method presets of --low-resource (default: the experiment's method).",
      helpValue: 'compacter,full,…',
      dependsOn: ['low-resource'],
      ...list,
    }),
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Train)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const progress = await terminalProgress(flags)
    return onRanks({ mpi: flags.mpi, threads: flags.threads, progress }, async (entered) => {
      this.silent = entered.ranks.rank > 0
      if (flags['low-resource']) return this.lowResource(args.experiment, flags, progress)
      return this.train(args.experiment, flags, entered)
    })
  }

  private async train(file: string, flags: TrainFlags, { ranks, threads, progress }: Entered): Promise<object> {
    const { setsOf } = await import('../src/experiment/short_forms.js')
    const { toldAtItsKey } = await import('../src/task/rows/misfit.js')
    const { trainable } = await import('../src/run/trainable.js')
    const { experiment, locate, run: own } = trainable(file, { ...flags, set: setsOf(flags) })
    const device = { engine: flags.engine, ...(threads && { threads }) }
    if (flags['dry-run']) {
      const { dryRun } = await import('../src/engine/prepare/dry_run.js')
      const { planTable } = await import('../src/report/tables/scores.js')
      const plan = await toldAtItsKey(locate, () => dryRun(experiment, { ...device, progress }))
      this.log(planTable(plan))
      return plan
    }
    const { commandLine, quoted } = await import('../src/base/command_line.js')
    const { shownPath } = await import('../src/base/yaml/source.js')
    const { train } = await import('../src/engine/train/train.js')
    const { stoppable } = await import('../src/cli/interrupt.js')
    const folder = resolve(own ?? flags['run-dir'] ?? `runs/${experiment.name}`)
    const goOn = commandLine(`train --resume ${quoted(shownPath(folder))}${flags.mpi ? ' --mpi' : ''}`)
    const run = { folder, resume: flags.resume, allowChanged: flags['allow-changed'] }
    const result = await stoppable(goOn, (interrupted) =>
      toldAtItsKey(locate, () => train(experiment, { ...device, ...run, ranks, progress, interrupted })),
    )
    const { resultTable } = await import('../src/report/tables/scores.js')
    this.log(`${resultTable(experiment, result)}\n${folder}`)
    return result
  }

  private async lowResource(file: string, flags: TrainFlags, progress: Progress): Promise<LowResourceResults> {
    const { lowResource } = await import('../src/sweep/run/low_resource.js')
    const { stoppable } = await import('../src/cli/interrupt.js')
    const { writeLowResource: write } = await import('../src/report/sweep/write.js')
    const { lowResourceTable } = await import('../src/report/sweep/low_resource.js')
    const { setsOf } = await import('../src/experiment/short_forms.js')
    const { sizes, seeds = 5, methods, engine, threads, 'run-dir': folder, 'allow-changed': allowChanged } = flags
    const grid = { sets: setsOf(flags), sizes, seeds, methods, folder }
    const results = await stoppable(this.line(), (interrupted) =>
      lowResource(file, { ...grid, allowChanged, engine, threads, write, progress, interrupted }),
    )
    if (results.failed.length > 0) process.exitCode = 1
    this.log(`${lowResourceTable(results)}\n${results.folder}`)
    return results
  }
}
