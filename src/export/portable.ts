import { join, relative, sep } from 'node:path'
import { UserError } from '../error.js'
import type { Experiment } from '../experiment/schema.js'
import { packageRoot } from '../root.js'

const MARK = 'package:'
const FILES = ['train', 'validation', 'test', 'path'] as const

/** The experiment with its task's files that come with the toolkit written as `package:…`. */
export function packedPaths(experiment: Experiment): Experiment {
  return withPaths(experiment, (path) => {
    const inside = relative(packageRoot, path)
    return inside === '' || inside.startsWith('..') ? path : MARK + inside.split(sep).join('/')
  })
}

/**
 * The reverse.
 * @throws UserError for a path that leads out of the toolkit.
 */
export function unpackedPaths(experiment: Experiment, at: string): Experiment {
  return withPaths(experiment, (path) => {
    if (!path.startsWith(MARK)) return path
    const inside = path.slice(MARK.length)
    if (inside.split(/[\\/]/).includes('..')) {
      throw new UserError({ at, problem: `names the file ${JSON.stringify(path)}, which leads out of the toolkit.` })
    }
    return join(packageRoot, inside)
  })
}

function withPaths(experiment: Experiment, change: (path: string) => string): Experiment {
  const task = { ...experiment.task }
  for (const key of FILES) if (typeof task[key] === 'string') task[key] = change(task[key])
  return { ...experiment, task }
}
