import { Command } from '@oclif/core'

export default class Schema extends Command {
  static override summary = 'Print the JSON Schema of experiment files, with which editors complete and check them.'
  static override examples = [
    { description: 'Give it to your editor', command: '<%= config.bin %> config schema > experiment.schema.json' },
  ]
  static override enableJsonFlag = true

  async run(): Promise<object> {
    await this.parse(Schema)
    const { experimentJsonSchema } = await import('../../src/experiment/reference.js')
    const schema = experimentJsonSchema()
    this.log('%s', JSON.stringify(schema, null, 2))
    return schema
  }
}
