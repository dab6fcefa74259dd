import { SPLITS } from '../../src/base/choices.js'
import { Command } from '../../src/cli/command.js'
import { experimentArg, setFlag, trainingFlags } from '../../src/cli/flags.js'
import type { Experiment } from '../../src/experiment/schema.js'

export default class Validate extends Command {
  static override summary = 'Check an experiment without running it.'
  static override description =
    'Reports every wrong key and value with its file, line and column and what would work, and exits with 2 if ' +
    'there is one. Looks at the columns of the data files, not at every row; loads no weights and downloads ' +
    'nothing, but says what a training run would download.'
  static override examples = [
    { description: 'Check a file', command: '<%= config.bin %> config validate experiments/quickstart.yaml' },
    { description: 'Would n = 8 fit?', command: '<%= config.bin %> config validate quickstart --set method.n=8' },
  ]
  static override args = {
    experiment: experimentArg,
  }
  static override flags = {
    set: setFlag,
    ...trainingFlags,
  }
  static override enableJsonFlag = true

  async run(): Promise<{ valid: true; experiment: Experiment; to_download: ('backbone' | 'task')[] }> {
    const { args, flags } = await this.parse(Validate)
    const { readExperiment } = await import('../../src/experiment/load/load.js')
    const { setsOf } = await import('../../src/experiment/short_forms.js')
    const { experiment, config, locate } = readExperiment(args.experiment, setsOf(flags))
    const { name, method, backbone, task } = experiment
    if (config) {
      const { refuseSameTensors } = await import('../../src/experiment/same_tensors.js')
      refuseSameTensors(method, config, locate)
    }
    const { methodName } = await import('../../src/experiment/method_name.js')
    const { uncached } = await import('../../src/experiment/uncached.js')
    const to_download = await uncached(experiment)
    const { checkHead } = await import('../../src/task/rows/rows.js')
    if (!to_download.includes('task')) {
      const { sourceOf } = await import('../../src/task/rows/source.js')
      const { toldAtItsKey } = await import('../../src/task/rows/misfit.js')
      await toldAtItsKey(locate, async () => {
        for (const split of SPLITS) {
          const source = await sourceOf(task, split)
          await checkHead(task, source.file, source.rows())
        }
      })
    }
    this.log(`${args.experiment} is valid: ${name} trains ${methodName(method)} on ${backbone.name} for ${task.name}.`)
    const missing = to_download.map((key) => experiment[key].name)
    if (missing.length > 0) this.log(`Not in the cache yet; a training run downloads: ${missing.join(', ')}.`)
    return { valid: true, experiment, to_download }
  }
}
