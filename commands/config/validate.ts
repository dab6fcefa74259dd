import { Command } from '@oclif/core'
import type { Experiment } from '../../src/experiment/schema.js'
import { experimentArg, setFlag } from '../../src/flags.js'

export default class Validate extends Command {
  static override summary = 'Check an experiment without running it.'
  static override description =
    'Reports every wrong key and value with its file, line and column and what would work, and exits with 2 if there is one. Looks at the columns of the data files, not at every row; loads no weights.'
  static override examples = [
    { description: 'Check a file', command: '<%= config.bin %> config validate experiments/quickstart.yaml' },
    { description: 'Would n = 8 fit?', command: '<%= config.bin %> config validate quickstart --set method.n=8' },
  ]
  static override args = {
    experiment: experimentArg,
  }
  static override flags = {
    set: setFlag,
  }
  static override enableJsonFlag = true

  async run(): Promise<{ valid: true; experiment: Experiment }> {
    const { args, flags } = await this.parse(Validate)
    const { loadExperiment } = await import('../../src/experiment/load.js')
    const experiment = loadExperiment(args.experiment, flags.set)
    const { checkHead, SPLITS } = await import('../../src/task/rows.js')
    const { task: rows } = experiment
    if (!rows.benchmark || rows.path) {
      const { sourceOf } = await import('../../src/task/source.js')
      for (const split of SPLITS) {
        const source = await sourceOf(rows, split)
        await checkHead(rows, source.file, source.rows())
      }
    }
    const { name, method, backbone, task } = experiment
    this.log(`${args.experiment} is valid: ${name} trains ${method.kind} on ${backbone.name} for ${task.name}.`)
    return { valid: true, experiment }
  }
}
