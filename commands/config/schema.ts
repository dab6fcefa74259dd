import { Flags } from '@oclif/core'
import { SCHEMA_KINDS } from '../../src/base/choices.js'
import { Command } from '../../src/cli/command.js'

export default class Schema extends Command {
  static override summary =
    'Print the JSON Schema of experiment files, presets or sweeps, with which editors complete and check them.'
  static override examples = [
    { description: 'Give it to your editor', command: '<%= config.bin %> config schema > experiment.schema.json' },
    {
      description: 'The schema of a task preset',
      command: '<%= config.bin %> config schema --for task > task.schema.json',
    },
  ]
  static override flags = {
    for: Flags.option({
      options: SCHEMA_KINDS,
      default: 'experiment' as const,
      description: 'Experiment files, presets of a kind, or sweep files.',
    })(),
  }
  static override enableJsonFlag = true

  async run(): Promise<object> {
    const { flags } = await this.parse(Schema)
    const { fileSchema } = await import('../../src/catalogue/json_schema.js')
    const schema = fileSchema(flags.for)
    this.log('%s', JSON.stringify(schema, null, 2))
    return schema
  }
}
