import { Args, Flags } from '@oclif/core'
import { IMPORT_FORMATS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { allowChangedFlag, quietFlag } from '../src/cli/flags.js'

export default class Import extends Command {
  static summary = 'Import adapters that were trained elsewhere as a run.'
  static description =
    'Reads folders of the Python libraries peft, adapters and OpenDelta and checkpoints of the released code of the ' +
    'paper; for an encoder those of peft and adapters, which hold its head too. ' +
    '`compacter eval` takes the resulting run. Files are read as data: nothing in a pickle is executed.'
  static examples = [
    {
      description: 'LoRA that peft saved, to be scored on RTE',
      command:
        '<%= config.bin %> import my_lora --format peft --backbone t5-base --run-dir runs/theirs --task glue/rte',
    },
    {
      description: 'A folder that `adapters` saved, to be scored on RTE',
      command:
        '<%= config.bin %> import my_adapter --format adapterhub --backbone t5-base --run-dir runs/theirs --task ' +
        'glue/rte',
    },
  ]
  static args = { path: Args.string({ description: 'Folder to read.', required: true }) }
  static flags = {
    format: Flags.option({ options: IMPORT_FORMATS, required: true, description: 'What wrote the folder.' })(),
    backbone: Flags.string({
      description: 'Backbone that it was trained on: a preset, a Hugging Face model id or a folder.',
      required: true,
    }),
    'run-dir': Flags.string({ description: 'Folder of the run to create.', helpValue: 'DIR', required: true }),
    'allow-changed': allowChangedFlag,
    task: Flags.string({
      description:
        'Task preset or experiment that it is scored on, an experiment also with its scoring and lengths; exports of ' +
        'compacter name their own.',
    }),
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Import)
    const { 'run-dir': runDir, 'allow-changed': allowChanged, format, backbone, task } = flags
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const { importRun } = await import('../src/format/import.js') // here: --help must not load TensorFlow
    const { methodName } = await import('../src/experiment/method_name.js')
    const imported = await importRun(args.path, {
      ...{ format, backbone, runDir, allowChanged },
      ...(task && { task }),
      progress: await terminalProgress(flags),
    })
    const { folder, method, trained_parameters } = imported
    this.log(`${folder}: ${methodName(method)}; ${trained_parameters.toLocaleString('en')} trained parameters`)
    return imported
  }
}
