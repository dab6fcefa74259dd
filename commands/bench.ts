import { Flags } from '@oclif/core'
import { MODES, PRECISIONS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { repeatable, setFlag, sharedFlags } from '../src/cli/flags.js'
import type { Row } from '../src/measure/row.js'

const several = { helpValue: 'NAME', ...repeatable } as const

export default class Bench extends Command {
  static summary = 'Measure time and memory of a training step, method by method.'
  static description =
    "The paper's efficiency table for this machine, relative to full fine-tuning. Weights are random with the " +
    "backbone's dimensions, so nothing is downloaded. Each measurement runs in its own process; the methods " +
    'take turns.'
  static examples = [
    { description: 'Every method on t5-small', command: '<%= config.bin %> bench' },
    {
      description: 'Compacter against full fine-tuning and both against PyTorch',
      command:
        '<%= config.bin %> bench --method compacter --method full --batch 32 --source-length 64 --against torch ' +
        '--python venv/bin/python',
    },
    {
      description: 'Where the time of a step goes',
      command: '<%= config.bin %> bench --backbone t5-nano --method compacter --mode eager --profile',
    },
    {
      description: 'A step that two processes share',
      command: 'mpirun -n 2 <%= config.bin %> bench --backbone t5-nano --method compacter --mpi',
    },
  ]
  static flags = {
    backbone: Flags.string({
      description: 'Preset or directory with a config.json; may be repeated.',
      default: ['t5-small'],
      ...several,
    }),
    method: Flags.string({
      description: "Method preset, a list of them such as '[lora, bitfit]', or all; may be repeated.",
      default: ['all'],
      ...several,
    }),
    set: setFlag,
    batch: Flags.integer({ description: 'Examples per step.', aliases: ['batch-size'], default: 32, min: 1 }),
    'source-length': Flags.integer({ description: 'Tokens of a source.', default: 64, min: 1 }),
    'target-length': Flags.integer({ description: 'Tokens of a target.', default: 4, min: 1 }),
    precision: Flags.option({
      options: PRECISIONS,
      default: 'float32' as const,
      description: 'bfloat16 computes products of matrices in it.',
    })(),
    mode: Flags.option({
      options: ['auto', ...MODES] as const,
      default: 'auto' as const,
      description: 'Steps as captured graphs or op by op; auto replays where the engine can.',
    })(),
    steps: Flags.integer({ description: 'Timed steps of each process, after two that are not.', default: 5, min: 1 }),
    repetitions: Flags.integer({ description: 'Processes for each method.', default: 3, min: 1 }),
    against: Flags.option({
      options: ['torch'] as const,
      description: 'Measure the same steps in PyTorch, in turn, and print ratios.',
    })(),
    python: Flags.string({
      description: 'Python that has torch and transformers.',
      default: 'python3',
      helpValue: 'PATH',
    }),
    profile: Flags.boolean({ description: 'Show which kernels of an eager step take the most time.' }),
    ...sharedFlags,
  }
  static enableJsonFlag = true

  async run(): Promise<Row[]> {
    const { flags } = await this.parse(Bench)
    const { backbone: backbones, method: methods, set: sets = [], batch: batchSize, ...rest } = flags
    const { 'source-length': sourceLength, 'target-length': targetLength, ...others } = rest
    const { bench } = await import('../src/measure/bench.js')
    const { benchTable } = await import('../src/report/tables/bench.js')
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const { onRanks } = await import('../src/engine/cluster/enter.js')
    const progress = await terminalProgress(flags)
    return onRanks({ ...flags, progress }, async (entered) => {
      this.silent = entered.ranks.rank > 0
      const asked = { ...others, backbones, methods, sets, batchSize, sourceLength, targetLength }
      const rows = await bench({ ...asked, ...entered })
      this.log('%s', benchTable(rows))
      return rows
    })
  }
}
