import { Args, Flags } from '@oclif/core'
import { FORMATS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { allowChangedFlag, placesFlag, quietFlag } from '../src/cli/flags.js'

export default class Export extends Command {
  static summary = "Write a run's best trained tensors in a format that other programs read."
  static description =
    'safetensors is our own and holds every method; peft holds LoRA and its kin and prompts, adapterhub and ' +
    'opendelta hold adapters, for those Python libraries; huggingface is a whole model, for methods that only change ' +
    'weights; saved-model is backbone and method in one TensorFlow graph that encodes and decodes. ' +
    'Of an encoder all but opendelta hold the head too.'
  static examples = [
    {
      description: 'A folder of some hundred KB that `compacter eval` takes on another machine',
      command: '<%= config.bin %> export runs/quickstart --format safetensors --out exports/quickstart',
    },
    {
      description: 'For Hugging Face peft, where the method is LoRA',
      command: '<%= config.bin %> export runs/lora --format peft --out exports/lora',
    },
    {
      description: 'For the Python library `adapters`',
      command: '<%= config.bin %> export runs/quickstart --format adapterhub --out exports/quickstart-adapterhub',
    },
    {
      description: 'For TensorFlow Serving, which needs a folder named by a number, and for Python',
      command: '<%= config.bin %> export runs/quickstart --format saved-model --out served/quickstart/1',
    },
  ]
  static args = {
    run: Args.string({ description: 'Run directory, or a folder exported as safetensors.', required: true }),
  }
  static flags = {
    format: Flags.option({ options: FORMATS, required: true, description: 'Format to write.' })(),
    out: Flags.string({ description: 'Folder to create.', helpValue: 'DIR', required: true }),
    set: placesFlag,
    'allow-changed': allowChangedFlag,
    force: Flags.boolean({ description: 'Replace an existing export.' }),
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Export)
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const { exportRun } = await import('../src/format/export.js') // here: --help must not load TensorFlow
    const { format, out, force, set: sets = [] } = flags
    const options = { format, out, force, sets, allowChanged: flags['allow-changed'] }
    const exported = await exportRun(args.run, { ...options, progress: await terminalProgress(flags) })
    const { folder, files, bytes } = exported
    this.log(`${folder}: ${files.join(', ')}; ${bytes.toLocaleString('en')} bytes`)
    return exported
  }
}
