import { Flags } from '@oclif/core'
import { Command } from '../src/cli/command.js'
import { quietFlag } from '../src/cli/flags.js'
import type { Diagnosis } from '../src/engine/device/diagnosis.js'
import type { GradientComparison } from '../src/engine/replay/gradients.js'

export default class Doctor extends Command {
  static override summary = 'Show what this machine computes with, how fast, and what is missing.'
  static override description =
    'With --gradients it compares the gradients of captured graphs with those that are computed op by op, tensor ' +
    'by tensor, on random ids in float32; exit code 1 where they differ.'
  static override examples = [
    { description: 'Look at this machine', command: '<%= config.bin %> doctor' },
    { description: 'Keep the figures', command: '<%= config.bin %> doctor --json > machine.json' },
    {
      description: 'Check the gradients of an experiment',
      command: '<%= config.bin %> doctor --gradients experiments/quickstart.yaml',
    },
    {
      description: 'Check those of another method on its backbone',
      command: '<%= config.bin %> doctor --gradients quickstart --set method=bitfit',
    },
  ]
  static override flags = {
    gradients: Flags.string({
      description: 'Experiment file, or the name of a shipped one, whose backbone and method to compare gradients of.',
      helpValue: 'EXPERIMENT',
    }),
    set: Flags.string({
      description: 'Override a value of that experiment; may be repeated.',
      helpValue: 'key=value',
      multiple: true,
      multipleNonGreedy: true,
      dependsOn: ['gradients'],
    }),
    quiet: quietFlag,
  }
  static override enableJsonFlag = true

  async run(): Promise<Diagnosis | GradientComparison> {
    const { flags } = await this.parse(Doctor)
    if (flags.gradients !== undefined) return this.gradients(flags.gradients, flags)
    const { diagnose } = await import('../src/engine/device/diagnosis.js') // here: --help must not load TensorFlow
    const { diagnosisTable } = await import('../src/report/tables/diagnosis.js')
    const diagnosis = await diagnose()
    this.log(diagnosisTable(diagnosis))
    return diagnosis
  }

  private async gradients(file: string, { set: sets = [], quiet }: Options): Promise<GradientComparison> {
    const { loadExperiment } = await import('../src/experiment/load/load.js')
    const { compareGradients } = await import('../src/engine/replay/gradients.js')
    const { gradientsTable } = await import('../src/report/tables/gradients.js')
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const comparison = await compareGradients(loadExperiment(file, sets), await terminalProgress({ quiet }))
    if (!comparison.within_tolerance) process.exitCode = 1
    this.log(gradientsTable(comparison))
    return comparison
  }
}

interface Options {
  set?: string[] | undefined
  quiet: boolean
}
