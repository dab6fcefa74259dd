import { Args, Command, Flags } from '@oclif/core'
import { deviceFlags, scoringFlag } from '../src/flags.js'

export default class Eval extends Command {
  static summary = "Score a run's best trained tensors on a split."
  static description =
    'Predicts every row of the split with the best checkpoint of a run and scores it: by greedy decoding, as the paper does, or by ranking the labels, where no output is invalid.'
  static examples = [
    { description: 'Score the test split', command: '<%= config.bin %> eval runs/quickstart' },
    {
      description: 'Score the validation split, as JSON',
      command: '<%= config.bin %> eval runs/quickstart --split validation --json',
    },
    {
      description: 'Rank the labels and keep every row',
      command: '<%= config.bin %> eval runs/quickstart --scoring rank --predictions predictions.jsonl',
    },
  ]
  static args = { run: Args.string({ description: 'Run directory.', required: true }) }
  static flags = {
    split: Flags.option({
      options: ['train', 'validation', 'test'] as const,
      default: 'test' as const,
      description: 'Split to score.',
    })(),
    scoring: scoringFlag,
    predictions: Flags.string({
      description: 'Write every row, its prediction and scores to this file.',
      helpValue: 'FILE.jsonl',
    }),
    ...deviceFlags,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Eval)
    const { split, scoring, predictions: file, engine, threads } = flags
    const { checkWritable } = await import('../src/atomic.js')
    if (file) checkWritable(file)
    const { terminalProgress } = await import('../src/terminal.js')
    const { evaluateRun } = await import('../src/engine/evaluate_run.js') // here: --help must not load TensorFlow
    const progress = await terminalProgress()
    const evaluated = await evaluateRun(args.run, { split, scoring, engine, threads, progress })
    if (file) {
      const { writePredictions } = await import('../src/run/predictions.js')
      writePredictions(file, evaluated)
    }
    const { scoreTable, confusionTable } = await import('../src/report/scores.js')
    this.log(scoreTable({ [split]: evaluated.scores }))
    if (evaluated.confusion) this.log(confusionTable(evaluated.confusion))
    const { task, scores, confusion, examples } = evaluated
    return { task, split, scoring, rows: examples.length, scores, ...(confusion && { confusion }) }
  }
}
