/** Exit code of a bad experiment file or a bad command line. */
export const BAD_USAGE = 2

/** Exit code of a command that a signal ended. */
export const INTERRUPTED = 130

export interface Complaint {
  /** Where: `file:line:column`, `--set method.n=5`, or a file's path. */
  at?: string
  /** What is wrong, with the value. */
  problem: string
  /** What would work instead. */
  remedy?: string
}

/** An error that the user can act on: printed without a stack, as `at: problem remedy`. */
export class UserError extends Error {
  readonly at: string | undefined
  readonly problem: string
  readonly remedy: string | undefined
  readonly exitCode: number = 1

  constructor({ at, problem, remedy }: Complaint, options?: ErrorOptions) {
    super([at && `${at}: `, problem, remedy && ` ${remedy}`].filter(Boolean).join(''), options)
    this.name = new.target.name
    this.at = at
    this.problem = problem
    this.remedy = remedy
  }
}

/** The experiment file, a preset or a `--set` is wrong. Exit code 2. */
export class ExperimentError extends UserError {
  override readonly exitCode = BAD_USAGE
}
