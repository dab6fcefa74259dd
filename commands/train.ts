import { Args, Flags } from '@oclif/core'
import { Command } from '../src/cli/command.js'
import { allowChangedFlag, lowResourceFlags, setFlag, sharedFlags, trainingFlags } from '../src/cli/flags.js'
import type { Plan } from '../src/engine/prepare/dry_run.js'
import type { TrainFileOptions } from '../src/engine/train/train_file.js'
import type { Result } from '../src/run/directory.js'
import type { LowResourceOptions } from '../src/sweep/run/low_resource.js'

export default class Train extends Command {
  static summary = 'Train an experiment and report its validation and test scores.'
  static description =
    'Leaves a run directory: the experiment with every value in force, a manifest, metrics, checkpoints, the ' +
    'best trained tensors and the result. Ctrl-C saves first; --resume continues to the same bits as if the ' +
    'run had never stopped.'
  // oclif's own shows which flags exclude or need others in nested brackets that nobody can read.
  static usage = [
    'train EXPERIMENT [FLAGS]',
    'train EXPERIMENT --dry-run [FLAGS]',
    'train RUN --resume [--steps N | --epochs N] [FLAGS]',
    'train EXPERIMENT --low-resource [--sizes N,…] [--seeds N] [--methods NAME,…] [FLAGS]',
  ]
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
    ...sharedFlags,
    'dry-run': Flags.boolean({
      description: 'Check backbone, data and memory with two steps; write nothing.',
      exclusive: ['mpi'],
    }),
    ...lowResourceFlags,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Train)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const { setsOf } = await import('../src/experiment/short_forms.js')
    const progress = await terminalProgress(flags)
    return onRanks({ ...flags, progress }, (entered) => {
      this.silent = entered.ranks.rank > 0
      const { 'run-dir': folder, 'allow-changed': allowChanged } = flags
      const told = { ...flags, sets: setsOf(flags), folder, allowChanged, ...entered }
      if (flags['low-resource']) return this.lowResource(args.experiment, told)
      return flags['dry-run'] ? this.dryRun(args.experiment, told) : this.train(args.experiment, told)
    })
  }

  private async train(file: string, told: TrainFileOptions): Promise<Result> {
    const { trainFile } = await import('../src/engine/train/train_file.js')
    const { resultTable } = await import('../src/report/tables/scores.js')
    const { experiment, result, folder } = await trainFile(file, told)
    this.log(`${resultTable(experiment, result)}\n${folder}`)
    return result
  }

  private async dryRun(file: string, told: TrainFileOptions): Promise<Plan> {
    const { dryRunFile } = await import('../src/engine/train/train_file.js')
    const { planTable } = await import('../src/report/tables/scores.js')
    const plan = await dryRunFile(file, told)
    this.log(planTable(plan))
    return plan
  }

  private async lowResource(file: string, told: Omit<LowResourceOptions, 'interrupted' | 'write'>): Promise<object> {
    const { lowResource } = await import('../src/sweep/run/low_resource.js')
    const { stoppable } = await import('../src/cli/interrupt.js')
    const { writeLowResource: write } = await import('../src/report/sweep/write.js')
    const { lowResourceTable } = await import('../src/report/sweep/low_resource.js')
    const results = await stoppable(this.line(), (interrupted) => lowResource(file, { ...told, write, interrupted }))
    if (results.failed.length > 0) process.exitCode = 1
    this.log(`${lowResourceTable(results)}\n${results.folder}`)
    return results
  }
}
