import { Args, Flags } from '@oclif/core'
import { SPLITS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { answeringFlags, repeatable } from '../src/cli/flags.js'

export default class Eval extends Command {
  static summary = 'Score the best trained tensors of runs on a split.'
  static description =
    'Predicts every row of the split with the best checkpoint of a run and scores it: by greedy decoding, as the ' +
    'paper does, or by ranking the labels, where no output is invalid; by default as the run was trained. ' +
    'Several runs share one backbone, which is loaded once.'
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
    {
      description: 'Score several tasks of one backbone, each on its own rows',
      command: '<%= config.bin %> eval runs/rte runs/mrpc exports/cola',
    },
    {
      description: 'Score a run on another file of rows with the same columns, or on another task',
      command: '<%= config.bin %> eval runs/reviews --task other.csv',
    },
    {
      description: 'Other scores than those of its task',
      command: '<%= config.bin %> eval runs/quickstart --metric macro_f1 --metric matthews',
    },
    {
      description: 'Say where the rows are now',
      command: '<%= config.bin %> eval runs/reviews --set task.test=/data/reviews/test.jsonl',
    },
  ]
  static args = {
    run: Args.string({
      description: 'Run directories, or folders exported as safetensors.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  }
  static flags = {
    split: Flags.option({
      options: SPLITS,
      default: 'test' as const,
      description: 'Split to score.',
    })(),
    task: Flags.string({
      description:
        "Score on this instead of the run's own rows: a file of rows, a task preset, or an experiment's task.",
      helpValue: 'FILE|TASK',
    }),
    metric: Flags.string({
      description: "Score by this instead of the task's own metrics; may be repeated.",
      helpValue: 'NAME',
      ...repeatable,
    }),
    predictions: Flags.string({
      description:
        'Write every row, its prediction and scores to this file, and what they were made with to ' +
        'FILE.jsonl.manifest.json.',
      helpValue: 'FILE.jsonl',
    }),
    force: Flags.boolean({
      description: 'Replace the file of --predictions if it exists.',
      dependsOn: ['predictions'],
    }),
    ...answeringFlags,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Eval)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const progress = await terminalProgress(flags)
    return onRanks({ ...flags, progress }, async (entered) => {
      this.silent = entered.ranks.rank > 0
      const { evaluateAndWrite } = await import('../src/engine/evaluate/evaluate_and_write.js')
      const { evaluationJson } = await import('../src/report/evaluation.js')
      const { evaluationTable } = await import('../src/report/tables/scores.js')
      const { set: sets = [], metric: metrics, 'allow-changed': allowChanged } = flags
      const evaluated = await evaluateAndWrite(args.run, { ...flags, sets, metrics, allowChanged, ...entered })
      this.log(evaluationTable(evaluated, flags.split))
      return evaluationJson(evaluated, flags.split)
    })
  }
}
