import { Args, Flags, type Interfaces } from '@oclif/core'
import { INPUT_FORMATS } from '../src/base/choices.js'
import { BAD_USAGE, UserError } from '../src/base/error.js'
import { counted } from '../src/base/text/counted.js'
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
import type { OutputFormat } from '../src/predict/writer.js'

type PredictOptions = Interfaces.InferredFlags<typeof Predict.flags> & { texts: string[]; format: OutputFormat }

export default class Predict extends Command {
  static summary = 'Predict texts, or the rows of a file or a pipe, with trained runs.'
  static description =
    'The first argument is the run, each further one a text; without texts, rows come from --input or from a ' +
    "pipe. A text or a line fills the prompt's column; where the prompt has several, rows are JSON objects " +
    'such as {"premise": "…", "hypothesis": "…"}, or tables with a header. Predictions come in the order of ' +
    "the rows, one line each. A row that can't be used is reported and leaves an empty line; the exit code is " +
    'then 1. Further runs, named with --run, share one backbone, which is loaded once.'
  static examples = [
    {
      description: 'A text, and how likely its label is',
      command: '<%= config.bin %> predict runs/quickstart "a gripping , funny film" --scoring rank',
    },
    {
      description: 'Lines of a pipe as they come',
      command: 'tail -f reviews.txt | <%= config.bin %> predict runs/quickstart',
    },
    {
      description: "JSON lines with every label's probability for a file, written whole or not at all",
      command:
        '<%= config.bin %> predict runs/quickstart --input reviews.csv --scoring rank --output predictions.jsonl',
    },
    {
      description: "A table for a spreadsheet: the input's columns, then the prediction's",
      command: '<%= config.bin %> predict runs/quickstart --input reviews.csv --scoring rank --output predicted.csv',
    },
    {
      description: 'A row of two columns',
      command: `<%= config.bin %> predict runs/rte '{"sentence1": "A man sleeps.", "sentence2": "A man is awake."}'`,
    },
    {
      description: 'Three tasks on one backbone',
      command: '<%= config.bin %> predict runs/sst2 --run runs/cola --run exports/mood --input lines.txt --json',
    },
  ]
  static args = {
    run: Args.string({
      description: 'Run directory, or a folder exported as safetensors.',
      required: true,
      ignoreStdin: true,
    }),
    text: Args.string({
      description: 'Texts to predict, instead of --input; put -- before one that starts with a dash.',
      multiple: true,
      ignoreStdin: true,
    }),
  }
  static flags = {
    run: Flags.string({
      description: 'Another run of the same backbone; may be repeated.',
      helpValue: 'DIR',
      multiple: true,
      multipleNonGreedy: true,
    }),
    input: Flags.string({
      description: 'File of rows, or - for standard input, which a pipe is anyway.',
      helpValue: 'FILE',
    }),
    'input-format': Flags.option({
      options: INPUT_FORMATS,
      description: "How rows are written (default: by the file's ending; else text, or jsonl for several columns).",
    })(),
    output: Flags.string({
      description:
        "Write to this file, whole or not at all, instead of standard output. The file's ending sets the format: " +
        ".jsonl is JSON lines; .csv and .tsv are a table of the input's columns and the predictions; any other " +
        'is a line of text for each row.',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({ description: 'Replace an existing output.', dependsOn: ['output'] }),
    scoring: scoringFlag,
    beams: beamsFlag,
    json: Flags.boolean({
      description:
        'Write a line of JSON for each row, including rows with errors; with --output, print the counts as JSON.',
    }),
    'batch-size': Flags.integer({
      description: "Rows at once (default: the run's training.evaluation_batch_size).",
      min: 1,
    }),
    'max-length': Flags.integer({
      description: 'Tokens of an output (default: those of the longest label; 128 for free text).',
      min: 1,
    }),
    set: placesFlag,
    'allow-changed': allowChangedFlag,
    ...deviceFlags,
    mpi: mpiFlag,
    quiet: quietFlag,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Predict)
    const texts = args.text ?? []
    const { outputFormat } = await import('../src/predict/writer.js')
    const format = outputFormat(flags.output, flags.json)
    const { pipeProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const progress = await pipeProgress(flags)
    await onRanks({ mpi: flags.mpi, threads: flags.threads, progress }, (entered) => {
      this.silent = entered.ranks.rank > 0
      if (!this.silent) checkInput(texts, flags.input)
      return this.predict([args.run, ...(flags.run ?? [])], { ...flags, texts, format }, entered)
    })
  }

  private async predict(runs: string[], flags: PredictOptions, entered: Entered): Promise<void> {
    const { texts, format } = flags
    const { json, force, scoring, beams, engine, output, 'batch-size': batchSize, 'max-length': maxLength } = flags
    const { ranks, threads, progress } = entered
    const { predictRuns } = await import('../src/predict/predict.js')
    const predicted = await predictRuns(runs, {
      sets: flags.set ?? [],
      allowChanged: flags['allow-changed'],
      ...{ scoring, beams, engine, batchSize, maxLength, ranks, progress },
      ...(threads && { threads }),
      input: { texts, file: flags.input ?? '-', format: flags['input-format'] },
      ...(output !== undefined && { output: { file: output, force } }),
      format,
      drawsProgress: output !== undefined || !process.stdout.isTTY,
    })
    const { rows, errors } = predicted
    if (errors > 0) {
      progress.warn(`${errors.toLocaleString('en')} of ${counted(rows, 'row')} could not be predicted.`)
      process.exitCode = 1
    }
    if (output === undefined) return
    if (json) this.log(JSON.stringify({ output, ...predicted }))
    else this.log(`${output}: ${counted(rows - errors, 'row')}`)
  }
}

function checkInput(texts: string[], input: string | undefined): void {
  if (texts.length > 0 && input !== undefined)
    throw new UnclearInput({ problem: 'There are texts and --input.', remedy: 'Give one of the two.' })
  if (texts.length > 0 || input !== undefined || !process.stdin.isTTY) return
  throw new UnclearInput({
    problem: 'There is nothing to predict.',
    remedy: 'Give a text after the run, a file with --input, or a pipe; --input - reads what you type.',
  })
}

/** A wrong command line. */
class UnclearInput extends UserError {
  override readonly exitCode = BAD_USAGE
}
