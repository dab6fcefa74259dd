/**
 * Ends a switch over a closed union, so that the switch does not compile where a member of the union has no case. At
 * run time it throws, for a value that got past the types. `what` names the union in words.
 */
export function assertNever(value: never, what: string): never {
  throw new Error(`not a ${what}: ${JSON.stringify(value)}`)
}
