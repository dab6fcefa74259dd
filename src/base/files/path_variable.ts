import { homedir } from 'node:os'

/**
 * The path in an environment variable; undefined where it is unset or empty. A Dockerfile and a .env file hand over what a
 * shell would have expanded, so this does, as Python's libraries do: `~` at the start is the home folder, $NAME and ${NAME}
 * are other variables, and stay as they are where there is none.
 */
export function pathVariable(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = env[name]
  if (!path) return undefined
  return path
    .replace(/^~(?=$|[\\/])/, () => homedir())
    .replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain, braced) => env[plain ?? braced] ?? whole)
}
