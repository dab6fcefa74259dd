import { inspect } from 'node:util'
import { Command as OclifCommand } from '@oclif/core'
import { printable } from './printable.js'

/** A command of the toolkit: what it prints holds no control characters, whatever is in the names and texts that it prints. */
export abstract class Command extends OclifCommand {
  override log(message: unknown = '', ...args: unknown[]): void {
    super.log(printable(typeof message === 'string' ? message : inspect(message)), ...args.map(shown))
  }

  override logJson(json: unknown): void {
    console.log(printable(JSON.stringify(json, null, 2)))
  }
}

const shown = (value: unknown) => (typeof value === 'string' ? printable(value) : value)
