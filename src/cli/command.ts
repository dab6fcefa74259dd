import { inspect } from 'node:util'
import { Command as OclifCommand } from '@oclif/core'
import { commandLine, quoted } from '../base/command_line.js'
import { printable } from '../base/text/printable.js'

/** A command of the toolkit. Its output holds no control characters, whatever names and texts it prints. */
export abstract class Command extends OclifCommand {
  /** Whether another process prints the result, since this one is not the first of several. */
  protected silent = false

  /** Returns the command line that started it, to be typed again. */
  protected line(): string {
    return commandLine([...this.id!.split(':'), ...this.argv.map(quoted)].join(' '))
  }

  override log(message: unknown = '', ...args: unknown[]): void {
    if (this.silent) return
    super.log(printable(typeof message === 'string' ? message : inspect(message)), ...args.map(shown))
  }

  override logToStderr(message = '', ...args: unknown[]): void {
    super.logToStderr(printable(message), ...args.map(shown))
  }

  override logJson(json: unknown): void {
    if (this.silent) return
    console.log(printable(JSON.stringify(json, null, 2)))
  }
}

const shown = (value: unknown) => (typeof value === 'string' ? printable(value) : value)
