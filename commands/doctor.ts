import { Command } from '../src/cli/command.js'
import type { Diagnosis } from '../src/engine/device/diagnosis.js'

export default class Doctor extends Command {
  static override summary = 'Show what this machine computes with, how fast, and what is missing.'
  static override examples = [
    { description: 'Look at this machine', command: '<%= config.bin %> doctor' },
    { description: 'Keep the figures', command: '<%= config.bin %> doctor --json > machine.json' },
  ]
  static override enableJsonFlag = true

  async run(): Promise<Diagnosis> {
    await this.parse(Doctor)
    const { diagnose } = await import('../src/engine/device/diagnosis.js') // here: --help must not load TensorFlow
    const { diagnosisTable } = await import('../src/report/tables/diagnosis.js')
    const diagnosis = await diagnose()
    this.log(diagnosisTable(diagnosis))
    return diagnosis
  }
}
