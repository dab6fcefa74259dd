import { Args, Flags, type Interfaces } from '@oclif/core'
import { SPLITS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import {
  allowChangedFlag,
  beamsFlag,
  deviceFlags,
  mpiFlag,
  placesFlag,
  quietFlag,
  scoringFlag,
} from '../src/cli/flags.js'
import type { Entered } from '../src/engine/cluster/enter.js'

type EvalFlags = Interfaces.InferredFlags<typeof Eval.flags>

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
    scoring: scoringFlag,
    beams: beamsFlag,
    task: Flags.string({
      description:
        "Score on this instead of the run's own rows: a file of rows, a task preset, or an experiment's task.",
      helpValue: 'FILE|TASK',
    }),
    metric: Flags.string({
      description: "Score by this instead of the task's own metrics; may be repeated.",
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
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
    set: placesFlag,
    'allow-changed': allowChangedFlag,
    ...deviceFlags,
    mpi: mpiFlag,
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Eval)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const progress = await terminalProgress(flags)
    return onRanks({ mpi: flags.mpi, threads: flags.threads, progress }, (entered) => {
      this.silent = entered.ranks.rank > 0
      return this.evaluate(args.run, flags, entered)
    })
  }

  private async evaluate(folders: string[], flags: EvalFlags, { ranks, threads, progress }: Entered): Promise<object> {
    const { split, scoring, set: sets = [], engine } = flags
    const file = ranks.rank === 0 ? flags.predictions : undefined
    const allowChanged = flags['allow-changed']
    const { checkWritable } = await import('../src/base/files/atomic.js')
    const { checkFree } = await import('../src/predict/output.js')
    const { isStream } = await import('../src/base/files/special_file.js')
    const { predictedWithFile, writePredictions } = await import('../src/engine/evaluate/predictions.js')
    if (file) {
      checkFree(file, flags.force, '--predictions')
      checkWritable(file, { streams: true })
      if (!isStream(file)) checkWritable(predictedWithFile(file))
    }
    const { evaluateRuns } = await import('../src/engine/evaluate/evaluate_run.js')
    const { task, metric: metrics, beams } = flags
    const options = {
      split,
      scoring,
      beams,
      sets,
      task,
      metrics,
      allowChanged,
      engine,
      ...(threads && { threads }),
      ranks,
      progress,
    }
    const { evaluated, storage } = await evaluateRuns(folders, options)
    if (file) {
      checkFree(file, flags.force, '--predictions') // again: something may have come meanwhile
      writePredictions(file, split, evaluated)
    }
    const { confusionTable, runsTable, scoreTable } = await import('../src/report/tables/scores.js')
    const { storageLine } = await import('../src/predict/storage.js')
    const [only, ...others] = evaluated
    if (others.length === 0) this.log(scoreTable({ [only!.otherTask ?? split]: only!.scores }))
    else this.log(`${runsTable(evaluated)}\n${storageLine(storage)}`)
    if (others.length === 0 && only!.confusion) this.log(confusionTable(only!.confusion))
    const runs = evaluated.map(({ run, task, scoring, scores, confusion, examples, otherRows, otherTask }) => ({
      ...{ run, task, split, scoring, rows: examples.length, scores },
      ...(beams !== undefined && { beams }),
      ...(otherRows && { other_rows: otherRows }),
      ...(otherTask !== undefined && { other_task: otherTask }),
      ...(confusion && { confusion }),
    }))
    return { runs, storage }
  }
}
