import { Args, Flags } from '@oclif/core'
import { FORMATS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { allowChangedFlag, placesFlag, quietFlag } from '../src/cli/flags.js'
import type { Pushed } from '../src/format/push.js'

export default class Push extends Command {
  static summary = 'Upload an export of a run to the Hugging Face hub.'
  static description =
    'Exports into a temporary folder and uploads it as one commit, to a repository that is made where there is none. ' +
    'The token is in HF_TOKEN or in the file that `hf auth login` leaves; HF_ENDPOINT names another hub. ' +
    'No other command sends anything.'
  static examples = [
    {
      description: 'What would be sent, without a token',
      command: '<%= config.bin %> push runs/quickstart me/film-reviews --dry-run',
    },
    {
      description: 'For Hugging Face peft, in a repository that only you see',
      command: '<%= config.bin %> push runs/lora me/film-reviews-lora --format peft --private',
    },
  ]
  static args = {
    run: Args.string({ description: 'Run directory, or a folder exported as safetensors.', required: true }),
    repository: Args.string({ description: 'Model on the hub, owner/name.', required: true }),
  }
  static flags = {
    format: Flags.option({
      options: FORMATS,
      default: 'safetensors' as const,
      description: 'Format to export, as `compacter export` writes it.',
    })(),
    private: Flags.boolean({ description: 'Make a new repository private; a public one is refused.' }),
    revision: Flags.string({
      description: 'Branch to commit to; made where there is none.',
      default: 'main',
      helpValue: 'BRANCH',
    }),
    message: Flags.string({ char: 'm', description: "Subject of the commit (default: names the run's experiment)." }),
    'dry-run': Flags.boolean({ description: 'List files and sizes; send nothing.' }),
    set: placesFlag,
    'allow-changed': allowChangedFlag,
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<Pushed> {
    const { args, flags } = await this.parse(Push)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const { pushRun } = await import('../src/format/push.js') // here: --help must not load TensorFlow
    const { pushTable } = await import('../src/report/tables/push.js')
    const { 'dry-run': dryRun, 'allow-changed': allowChanged, set: sets = [], quiet, ...told } = flags
    const progress = await terminalProgress({ quiet })
    const options = { ...told, repository: args.repository, dryRun, sets, allowChanged, progress }
    const pushed = await pushRun(args.run, options)
    this.log('%s', pushTable(pushed))
    return pushed
  }
}
