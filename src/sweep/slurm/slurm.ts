import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { commandLine, quoted } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import { makeFolder, writeAtomically } from '../../base/files/atomic.js'
import { readJsonFile } from '../../base/files/json_file.js'
import type { Path } from '../../base/yaml/source.js'
import { writeJson } from '../../run/directory.js'
import { sweepFiles } from '../run/folder.js'
import { slurmProgram } from './program.js'
import { type Batch, batchScript, type Request, requestsOf, scriptOf } from './script.js'

const submittedJobs = z.object({
  jobs: z.array(
    z.object({ id: z.string(), indices: z.array(z.int().min(0)), submitted: z.string().describe('ISO 8601, UTC.') }),
  ),
})
/** The content of slurm.json: every job array of a sweep, the latest last. */
export type SubmittedJobs = z.infer<typeof submittedJobs>

export interface SubmitOptions extends Pick<Batch, 'slurm' | 'jobs' | 'engine' | 'allowChanged'> {
  /** Returns where the sweep file sets a value: `sweep.yaml:9:3`. */
  place?: ((path: Path) => string) | undefined
}

export interface Submission {
  jobId: string
  /** The submitted cells: those that were not in the queue already. */
  indices: number[]
  /** The path of the batch script. */
  script: string
}

/**
 * Submits cells as one job array; its script stays in the sweep's folder. Cells that an earlier array still has in the
 * queue are left to it.
 * @throws UserError with the scheduler's own words and the line that it refused; where SLURM is not installed; where
 *   all the cells are in the queue already.
 */
export async function submitSweep(
  folder: string,
  indices: readonly number[],
  options: SubmitOptions,
): Promise<Submission> {
  const files = sweepFiles(resolve(folder))
  const { jobs } = readJobs(files.slurm)
  const queued = new Set((await queue(jobs)).filter(isLeft).map(({ index }) => index))
  const fresh = indices.filter((index) => !queued.has(index))
  if (fresh.length === 0) throw alreadyQueued(files.folder, jobs.at(-1)!.id)
  const batch: Batch = { ...options, folder: files.folder, indices: fresh }
  const script = join(files.folder, 'slurm.sh')
  makeFolder(files.logs)
  writeAtomically(script, batchScript(batch))
  const answer = await slurmProgram('sbatch', ['--parsable', script])
  if (answer.code !== 0) throw await refusal(batch, script, answer.message, options.place)
  const jobId = answer.stdout.trim().split(';')[0]! // JOB;CLUSTER where there are several clusters
  const submitted = { id: jobId, indices: fresh, submitted: new Date().toISOString() }
  writeJson(files.slurm, { jobs: [...jobs, submitted] } satisfies SubmittedJobs)
  return { jobId, indices: fresh, script }
}

/** @throws DamagedFile */
function readJobs(file: string): SubmittedJobs {
  if (!existsSync(file)) return { jobs: [] }
  const remedy = 'If `squeue` shows none of its jobs, delete it; else end them with scancel first.'
  return readJsonFile(file, submittedJobs, { remedy })
}

const alreadyQueued = (folder: string, job: string) =>
  new UserError({
    at: folder,
    problem: `SLURM's job ${job} has all these cells in its queue.`,
    remedy:
      `Watch it with \`${commandLine(`sweep status ${quoted(folder)}`)}\`, or end it with \`scancel ` +
      `${job}\` first.`,
  })

interface Task {
  index: number
  /** The state in squeue's words: PENDING, RUNNING, TIMEOUT, … */
  state: string
  reason: string
  restarts: number
}

const FIELDS = ['ArrayJobID', 'ArrayTaskID', 'State', 'RestartCnt', 'Reason']

/**
 * Returns what the scheduler knows of these jobs' tasks, the latest job's last; it soon forgets tasks that have ended.
 */
async function queue(jobs: SubmittedJobs['jobs']): Promise<Task[]> {
  if (jobs.length === 0) return []
  const format = FIELDS.map((field) => `${field}:40`).join(',')
  const user = userInfo().username
  const answer = await slurmProgram('squeue', ['--user', user, '--array', '--noheader', '--states=all', '-O', format])
  if (answer.code !== 0) throw new UserError({ problem: `SLURM's queue can't be read: ${answer.message}.` })
  const rows = answer.stdout.split('\n').flatMap((line) => (line.trim() ? [line.trim().split(/\s+/)] : []))
  return jobs.flatMap(({ id }) =>
    rows.flatMap(([job, index, state, restarts, ...reason]) =>
      job === id ? [{ index: Number(index), state: state!, reason: reason.join(' '), restarts: Number(restarts) }] : [],
    ),
  )
}

/** States in which a task runs, will run, or is saving. */
const LEFT = /^(PENDING|CONFIGURING|RUNNING|SUSPENDED|STOPPED|SIGNALING|RESIZING|COMPLETING|STAGE_OUT|REQUEUE.*)$/
const isLeft = ({ state }: Task) => LEFT.test(state)

/**
 * Returns what SLURM says of the cells, by index: `queued (Priority)`, `running`, `requeued`, `timeout`. Empty where
 * nothing was submitted or the queue can't be read.
 */
export async function slurmStates(folder: string): Promise<Map<number, string>> {
  const { jobs } = readJobs(sweepFiles(folder).slurm)
  const tasks = await queue(jobs).catch((error) => {
    if (error instanceof UserError) return []
    throw error
  })
  return new Map(tasks.filter(({ state }) => state !== 'COMPLETED').map((task) => [task.index, stateText(task)]))
}

function stateText({ state, reason, restarts }: Task): string {
  if (state !== 'PENDING') return state.toLowerCase().replaceAll('_', ' ')
  const why = reason === 'None' ? '' : ` (${reason})`
  return `${restarts > 0 ? 'requeued' : 'queued'}${why}`
}

/** Returns an error with the scheduler's words, and the line without which it would accept the job. */
async function refusal(
  batch: Batch,
  script: string,
  message: string,
  place: SubmitOptions['place'],
): Promise<UserError> {
  const requests = requestsOf(batch)
  const refused = await refusedRequest(requests, batch)
  if (!refused) return new UserError({ at: script, problem: `SLURM refused the job: ${message}.` })
  const at = refused.path && place ? place(refused.path) : `${script}:${requests.indexOf(refused) + 2}`
  const problem = `SLURM refused the line \`${refused.text}\`: ${message}.`
  return new UserError({ at, problem, remedy: await remedyFor(refused) })
}

/** Tests the script without each of its lines in turn, since sbatch's words rarely name the option. */
async function refusedRequest(requests: Request[], batch: Batch): Promise<Request | undefined> {
  for (const request of requests.toReversed()) {
    const rest = requests.filter((other) => other !== request)
    const answer = await slurmProgram('sbatch', ['--test-only'], scriptOf(rest, batch))
    if (answer.code === 0) return request
  }
  return undefined
}

async function remedyFor({ text, path }: Request): Promise<string> {
  if (path?.[1] === 'partition') return `Partitions here: ${await lines('sinfo', ['--noheader', '--format=%R'])}.`
  if (text.includes('--array=')) {
    const [limit] = /MaxArraySize\s*=\s*\d+/.exec(await lines('scontrol', ['show', 'config'])) ?? []
    return `A cell's number must be below the cluster's ${limit ?? 'MaxArraySize'}: split the sweep.`
  }
  return path ? 'Change it, or leave it out: the cluster then decides.' : 'Ask those who run the cluster.'
}

const lines = async (program: string, args: string[]): Promise<string> =>
  (await slurmProgram(program, args)).stdout.trim().split('\n').join(', ')
