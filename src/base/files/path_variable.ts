import { homedir } from 'node:os'

/**
 * Returns the path in an environment variable; undefined where it is unset or empty. A Dockerfile or a .env file passes
 * on what a shell would have expanded, so this expands it, as Python's libraries do: `~` at the start is the home
 * folder, and $NAME and ${NAME} are other variables, which stay as written where they are unset.
 */
export function pathVariable(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = env[name]
  if (!path) return undefined
  return path
    .replace(/^~(?=$|[\\/])/, () => homedir())
    .replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain, braced) => env[plain ?? braced] ?? whole)
}
