import { BAD_USAGE, UserError } from '../base/error.js'

class UnfitFlags extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** What oclif has read of a command line: the flags of the command, and those that were given or have a default. */
export interface ParsedFlags {
  input: { flags: Record<string, KnownFlag> }
  output: { flags: Record<string, unknown>; metadata: { flags: Record<string, { setFromDefault?: boolean }> } }
}

interface KnownFlag {
  dependsOn?: string[]
  exclusive?: string[]
  helpValue?: string | string[]
}

/**
 * Says which flags on the command line lack another one, or do not go together; undefined where oclif found another
 * fault.
 */
export function unfitFlags({ input, output }: ParsedFlags): UserError | undefined {
  const isThere = (name: string) => output.flags[name] !== undefined
  const isGiven = (name: string) => isThere(name) && !output.metadata.flags[name]?.setFromDefault
  for (const [name, { dependsOn = [], exclusive = [] }] of Object.entries(input.flags)) {
    const lacking = isThere(name) ? dependsOn.find((other) => !isThere(other)) : undefined
    if (lacking !== undefined) {
      const whole = [`--${lacking}`, ...[input.flags[lacking]?.helpValue ?? []].flat().slice(0, 1)].join(' ')
      return new UnfitFlags({
        at: `--${name}`,
        problem: `needs --${lacking}, which is not given.`,
        remedy: `Add ${whole}, or leave --${name} out.`,
      })
    }
    const other = isGiven(name) ? exclusive.find(isGiven) : undefined
    if (other !== undefined)
      return new UnfitFlags({
        at: `--${name}`,
        problem: `does not go with --${other}.`,
        remedy: 'Keep one of the two.',
      })
  }
  return undefined
}
