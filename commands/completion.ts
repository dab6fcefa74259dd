import { Args } from '@oclif/core'
import { SHELLS, type Shell } from '../src/catalogue/completion.js'
import { Command } from '../src/cli/command.js'

export default class Completion extends Command {
  static summary = 'Print the script that completes commands, flags, presets, experiments, runs and files in a shell.'
  static description =
    'Your shell reads the script when it starts and then completes with Tab, without starting compacter. The ' +
    'script knows the presets of this version.'
  static examples = [
    { description: 'In ~/.bashrc', command: 'source <(<%= config.bin %> completion bash)' },
    { description: 'In ~/.zshrc', command: 'source <(<%= config.bin %> completion zsh)' },
  ]
  static args = {
    shell: Args.custom<Shell>({ options: [...SHELLS] })({ description: 'Shell to complete in.', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const { completionScript } = await import('../src/catalogue/completion.js')
    this.log('%s', completionScript(args.shell, this.config.commands))
  }
}
