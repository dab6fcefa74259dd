import { Args, Flags } from '@oclif/core'
import { GROUPINGS, PARAMETER_FORMATS } from '../../src/base/choices.js'
import { Command } from '../../src/cli/command.js'
import { repeatable, setFlag } from '../../src/cli/flags.js'
import type { ParameterRow } from '../../src/count/parameters.js'

export default class Report extends Command {
  static override summary = 'Count what methods train: parameters, share of the backbone, storage.'
  static override description =
    'Needs the backbone\'s dimensions only: no weights are read or fetched. "8 tasks" is the paper\'s "#Total ' +
    'params": one backbone and every task\'s additions, relative to the backbone; trained layer norms are not ' +
    "additions. A --set of a method's key applies to the methods that have the key."
  static override examples = [
    {
      description: "The paper's table",
      command: '<%= config.bin %> params report --backbone t5-base --method all --set backbone.trim_vocabulary=true',
    },
    {
      description: 'How far Compacter scales',
      command:
        '<%= config.bin %> params report --backbone t5-large --backbone t5-11b --method compacter --set method.n=8',
    },
    { description: 'An experiment, by layer', command: '<%= config.bin %> params report quickstart --by layer' },
    { description: 'For a paper of your own', command: '<%= config.bin %> params report --format latex > table.tex' },
  ]
  static override args = {
    experiment: Args.string({ description: 'Experiment file, or the name of a shipped one.' }),
  }
  static override flags = {
    backbone: Flags.string({
      description: "Preset or directory with a config.json (default: the experiment's, else t5-base).",
      helpValue: 'NAME',
      ...repeatable,
    }),
    method: Flags.string({
      description:
        "Method preset, a list of them such as '[lora, bitfit]', or all; next to the experiment's (default: that " +
        'alone, without an experiment all).',
      helpValue: 'NAME',
      ...repeatable,
    }),
    set: setFlag,
    tasks: Flags.integer({ description: 'Tasks that share one backbone.', default: 8, min: 1 }),
    format: Flags.option({
      options: PARAMETER_FORMATS,
      default: 'table' as const,
      description: 'How to print it; LaTeX is for the booktabs package.',
    })(),
    by: Flags.option({
      options: GROUPINGS,
      description: 'Split the count of each method.',
    })(),
  }
  static override enableJsonFlag = true

  async run(): Promise<ParameterRow[]> {
    const { args, flags } = await this.parse(Report)
    const { select } = await import('../../src/count/selection.js')
    const { parameterRows } = await import('../../src/count/parameters.js')
    const { formatParameters } = await import('../../src/report/tables/parameters.js')
    const { backbone: backbones, method: methods, set: sets } = flags
    const subjects = await select({ experiment: args.experiment, backbones, methods, sets })
    const rows = parameterRows(subjects, flags.tasks, flags.by)
    this.log('%s', formatParameters(rows, flags.format))
    return rows
  }
}
