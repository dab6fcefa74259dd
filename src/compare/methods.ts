import type { ComparedBy } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { groupRuns } from '../run/compare/groups.js'
import { seedsOf } from '../run/compare/settings.js'
import type { Answers } from './answers.js'

/** What is compared: the runs of a method that differ only in their seeds, or a single run. */
export interface ComparedMethod {
  name: string
  answers: Answers[]
}

/**
 * Returns methods in the order of their first runs, named by what distinguishes them.
 * @throws UserError where nothing is left to compare, or a run is there twice.
 */
export function methodsOf(answers: readonly Answers[], by: ComparedBy): ComparedMethod[] {
  if (by === 'run') return answers.map((each) => ({ name: each.run.folder, answers: [each] }))
  const groups = groupRuns(answers.map(({ run }) => run))
  const columns = new Set(groups.map(({ task }) => task))
  const methods = groups.map(({ method, task, runs }) => {
    const seeds = new Map<string, string>()
    for (const run of runs) {
      const same = seeds.get(seedsOf(run))
      if (same !== undefined) throw sameRun(run.folder, same)
      seeds.set(seedsOf(run), run.folder)
    }
    const name = columns.size > 1 ? `${method}, ${task}` : method
    return { name, answers: answers.filter((each) => runs.includes(each.run)) }
  })
  if (methods.length === 1)
    throw new UserError({
      at: answers.map(({ run }) => run.folder).join(', '),
      problem: 'differ only in their seeds: they are one method.',
      remedy: 'Add the runs of another, or compare them one by one with --by run.',
    })
  return methods
}

const sameRun = (folder: string, same: string): UserError =>
  new UserError({
    at: folder,
    problem: `has the settings and the seeds of ${same}: it is the same training again.`,
    remedy: 'Leave one of them out, or compare them one by one with --by run.',
  })
