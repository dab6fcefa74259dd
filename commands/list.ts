import { Args } from '@oclif/core'
import type { Catalogue, Entry } from '../src/catalogue/catalogue.js'
import { Command } from '../src/cli/command.js'

const KINDS: Catalogue[] = ['backbones', 'methods', 'tasks', 'experiments', 'sweeps']

export default class List extends Command {
  static override summary = 'List the backbones, methods, tasks, experiments or sweeps that come with the toolkit.'
  static override examples = [
    { description: 'What can be fine-tuned', command: '<%= config.bin %> list backbones' },
    { description: 'The methods, for a script', command: '<%= config.bin %> list methods --json' },
  ]
  static override args = {
    kind: Args.custom<Catalogue>({ options: KINDS })({ description: 'What to list.', required: true }),
  }
  static override enableJsonFlag = true

  async run(): Promise<Entry[]> {
    const { args } = await this.parse(List)
    const { catalogue } = await import('../src/catalogue/catalogue.js')
    const { entryTable } = await import('../src/report/tables/entries.js')
    const entries = catalogue(args.kind)
    this.log(entryTable(entries))
    return entries
  }
}
