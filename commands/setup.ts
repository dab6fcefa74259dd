import { Flags } from '@oclif/core'
import { ORIGINS } from '../src/base/choices.js'
import { Command } from '../src/cli/command.js'
import { quietFlag } from '../src/cli/flags.js'
import type { Provisioned } from '../src/engine/device/provision/provision.js'

export default class Setup extends Command {
  static override summary = 'Set the native engine up, once for all checkouts.'
  static override description =
    "Takes what already loads, else TensorFlow's C library from tfjs-node's own host, else from the official " +
    'Python wheel. Where neither works, training runs on WebAssembly.'
  static override examples = [
    { description: 'Set up what this machine can have', command: '<%= config.bin %> setup' },
    { description: 'Only from the Python package index', command: '<%= config.bin %> setup --from wheel' },
  ]
  static override flags = {
    from: Flags.option({ options: ORIGINS, description: 'Take the library only from there.' })(),
    unpinned: Flags.boolean({
      description: "Also take a wheel whose hash this version does not know: pip checks it by its index's own hash.",
    }),
    quiet: quietFlag,
  }
  static override enableJsonFlag = true

  async run(): Promise<Provisioned> {
    const { flags } = await this.parse(Setup)
    const { from, unpinned } = flags
    const { endedBySignals } = await import('../src/engine/device/provision/process.js')
    const { provision } = await import('../src/engine/device/provision/provision.js')
    const { setupSummary } = await import('../src/report/tables/setup.js')
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const progress = await terminalProgress(flags)
    progress.phase('Setting the native engine up')
    const result = await endedBySignals(
      () => provision({ from, unpinned, report: progress.phase }),
      () => {
        progress.stop()
        progress.note('Stopped; the partial setup was removed.')
      },
    )
    progress.end()
    this.log(setupSummary(result))
    return result
  }
}
