import { Args, Flags } from '@oclif/core'
import { ANSWERED_SPLITS, COMPARED_BY, COMPARISON_FORMATS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { levelFlag, repeatable } from '../src/cli/flags.js'
import type { Comparisons } from '../src/compare/compare.js'

export default class Compare extends Command {
  static summary = 'Test whether runs differ, on the same rows: difference, interval, p-value, and a sentence.'
  static description =
    'Takes runs whose training has left their answers, and compares them pair by pair. Runs that differ only in ' +
    'their seeds are one method. Nothing is loaded or computed again but scores. The same command prints the same ' +
    'numbers.'
  static examples = [
    { description: 'Two runs of one task', command: '<%= config.bin %> compare runs/compacter runs/lora' },
    {
      description: 'Three methods of three seeds, each against full fine-tuning',
      command: '<%= config.bin %> compare runs/rte/* --baseline runs/rte/full-42',
    },
    {
      description: 'By other scores than those of the task',
      command: '<%= config.bin %> compare runs/a runs/b --metric macro_f1 --metric matthews',
    },
    {
      description: 'A table for LaTeX with booktabs, with stars of significance',
      command: '<%= config.bin %> compare runs/a runs/b --format latex',
    },
    {
      description: 'Fail a build whose run is worse than the last one',
      command: '<%= config.bin %> compare runs/new --baseline runs/old --fail-if-worse',
    },
  ]
  static args = {
    run: Args.string({ description: 'Run directories.', required: true, multiple: true, ignoreStdin: true }),
  }
  static flags = {
    baseline: Flags.string({
      description: 'Compare the others with the method of this run (default: each with each).',
      helpValue: 'RUN',
    }),
    metric: Flags.string({
      description: "Compare by this instead of the task's own metrics; may be repeated.",
      helpValue: 'NAME',
      ...repeatable,
    }),
    split: Flags.option({
      options: ANSWERED_SPLITS,
      default: 'test' as const,
      description: 'Rows to compare on. The best checkpoint was chosen on validation.',
    })(),
    level: levelFlag({
      description: 'Level of the intervals; a difference is claimed where its corrected p-value is below 1 − level.',
    }),
    by: Flags.option({
      options: COMPARED_BY,
      default: 'method' as const,
      description: 'Compare methods over their seeds, or single runs.',
    })(),
    format: Flags.option({
      options: COMPARISON_FORMATS,
      default: 'table' as const,
      description: 'How the comparisons are written.',
    })(),
    'fail-if-worse': Flags.boolean({
      description: 'Exit with 1 where a method is worse than that of the baseline.',
      dependsOn: ['baseline'],
    }),
  }
  static enableJsonFlag = true

  async run(): Promise<Comparisons> {
    const { args, flags } = await this.parse(Compare)
    const { compareRuns } = await import('../src/compare/compare.js')
    const { comparisonsText } = await import('../src/report/tables/paired.js')
    const { baseline, metric: metrics, split, level, by, format } = flags
    const found = compareRuns(args.run, { baseline, metrics, split, level, by })
    this.log('%s', comparisonsText(found, format))
    if (flags['fail-if-worse'] && found.comparisons.some(({ verdict }) => verdict === 'worse')) process.exitCode = 1
    return found
  }
}
