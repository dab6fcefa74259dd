import { Command } from '../../src/cli/command.js'
import { experimentArg, setFlag, trainingFlags } from '../../src/cli/flags.js'
import type { Experiment } from '../../src/experiment/schema.js'

export default class Show extends Command {
  static override summary = 'Print an experiment with every value in force.'
  static override description =
    'Presets are merged in, overrides applied, defaults written out. What it prints is an experiment file itself.'
  static override examples = [
    {
      description: 'See what a short file means',
      command: '<%= config.bin %> config show experiments/quickstart.yaml',
    },
    { description: 'Start a file of your own', command: '<%= config.bin %> config show quickstart > mine.yaml' },
  ]
  static override args = {
    experiment: experimentArg,
  }
  static override flags = {
    set: setFlag,
    ...trainingFlags,
  }
  static override enableJsonFlag = true

  async run(): Promise<Experiment> {
    const { args, flags } = await this.parse(Show)
    const { loadExperiment, experimentYaml } = await import('../../src/experiment/load/load.js')
    const { setsOf } = await import('../../src/experiment/short_forms.js')
    const experiment = loadExperiment(args.experiment, setsOf(flags))
    this.log('%s', experimentYaml(experiment).replace(/\n$/, ''))
    return experiment
  }
}
