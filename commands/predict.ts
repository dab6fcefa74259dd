import { Args, Flags } from '@oclif/core'
import { INPUT_FORMATS } from '../src/base/choices.js'
import { counted } from '../src/base/text/counted.js'
import { Command } from '../src/cli/command.js'
import { answeringFlags, repeatable } from '../src/cli/flags.js'

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
      description: "Tags of words, and the entities that they make; into CoNLL's columns with --output tagged.conll",
      command: '<%= config.bin %> predict runs/tag "Ada Holm left Krypton Steel ." --json',
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
      ...repeatable,
    }),
    input: Flags.string({
      description: 'File of rows, or - for standard input, which a pipe is anyway.',
      helpValue: 'FILE',
    }),
    'input-format': Flags.option({
      options: INPUT_FORMATS,
      description:
        "How rows are written (default: by the file's ending; else text, or jsonl for several columns); conll is a " +
        'word on each line, for tags.',
    })(),
    output: Flags.string({
      description:
        "Write to this file, whole or not at all, instead of standard output. The file's ending sets the format: " +
        ".jsonl is JSON lines; .csv and .tsv are a table of the input's columns and the predictions; .conll is a " +
        'word and its tag on each line; any other is a line of text for each row.',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({ description: 'Replace an existing output.', dependsOn: ['output'] }),
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
    ...answeringFlags,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Predict)
    const { outputFormat } = await import('../src/predict/writer.js')
    const { pipeProgress } = await import('../src/cli/terminal.js')
    // Imported here, as below: --help must not load TensorFlow.
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const { output, force, json, set: sets = [], input: file, 'input-format': inputFormat } = flags
    const { 'batch-size': batchSize, 'max-length': maxLength, 'allow-changed': allowChanged } = flags
    const format = outputFormat(output, json)
    const progress = await pipeProgress(flags)
    await onRanks({ ...flags, progress }, async (entered) => {
      this.silent = entered.ranks.rank > 0
      const { predictRuns } = await import('../src/predict/predict.js')
      const input = { texts: args.text ?? [], file, format: inputFormat }
      const predicted = await predictRuns([args.run, ...(flags.run ?? [])], {
        ...{ ...flags, sets, allowChanged, batchSize, maxLength, format, input, ...entered },
        output: output === undefined ? undefined : { file: output, force },
      })
      if (predicted.errors > 0) process.exitCode = 1
      if (output === undefined) return
      this.log(
        json
          ? JSON.stringify({ output, ...predicted })
          : `${output}: ${counted(predicted.rows - predicted.errors, 'row')}`,
      )
    })
  }
}
