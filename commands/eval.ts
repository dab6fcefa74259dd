import { Args, Command, Flags } from '@oclif/core'
import { deviceFlags } from '../src/flags.js'

export default class Eval extends Command {
  static summary = "Score a run's best trained tensors on a split."
  static description = 'Decodes greedily with the best checkpoint of a run and scores every row of the split.'
  static examples = [
    { description: 'Score the test split', command: '<%= config.bin %> eval runs/quickstart' },
    {
      description: 'Score the validation split, as JSON',
      command: '<%= config.bin %> eval runs/quickstart --split validation --json',
    },
  ]
  static args = { run: Args.string({ description: 'Run directory.', required: true }) }
  static flags = {
    split: Flags.option({
      options: ['validation', 'test'] as const,
      default: 'test' as const,
      description: 'Split to score.',
    })(),
    ...deviceFlags,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Eval)
    const { terminalProgress } = await import('../src/terminal.js')
    const { evaluateRun } = await import('../src/engine/evaluate.js') // here: --help must not load TensorFlow
    const { split, engine, threads } = flags
    const evaluation = await evaluateRun(args.run, { split, engine, threads, progress: await terminalProgress() })
    const { scoreTable } = await import('../src/report/scores.js')
    this.log(scoreTable({ [split]: evaluation.scores }))
    return evaluation
  }
}
