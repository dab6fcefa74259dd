import { setTimeout as sleep } from 'node:timers/promises'
import { BAD_USAGE, UserError } from '../../base/error.js'
import { type Progress, silent } from '../../base/progress.js'
import { Agreed } from '../../cli/interrupt.js'
import { type LaunchedRank, launchedRank, mayBeRank } from './launcher.js'
import { openMpi } from './mpi.js'
import { alone, type Ranks, startRanks } from './ranks.js'
import { shareCores } from './threads.js'

export interface EnterOptions {
  /** Whether the command was called with --mpi. */
  mpi: boolean
  /** CPU threads of each rank; by default its part of the host's cores. */
  threads?: number | undefined
  progress: Progress
}

/** What a command gets as one of the ranks. */
export interface Entered {
  ranks: Ranks
  threads: number | undefined
  /** Silent on all ranks but 0. */
  progress: Progress
}

/** Milliseconds that rank 0 has to report an error that all ranks may have met. */
const GRACE = 3000

/**
 * Runs `work` as one of the ranks that a launcher has started, or as the only process. An error on a single rank is
 * reported with its rank and host and ends all of them.
 * @throws UserError where a launcher has started several processes without --mpi, or MPI sees other ranks than the
 *   launcher
 */
export async function onRanks<T>(options: EnterOptions, work: (entered: Entered) => Promise<T>): Promise<T> {
  const { mpi, threads, progress } = options
  const launched = launchedRank()
  if (!mpi) {
    if (launched && launched.size > 1) throw withoutFlag(launched)
    return work({ ranks: alone, threads, progress })
  }
  if (!launched && !mayBeRank()) {
    progress.note('--mpi: no launcher started this process, so it is the only rank. Start several with mpirun or srun.')
    return work({ ranks: alone, threads, progress })
  }
  if (launched && launched.size > 1 && !isConnected(launched)) throw withoutPmi(launched)
  const ranks = startRanks(openMpi())
  const left = abortAtExit(ranks)
  try {
    if (launched && launched.size !== ranks.size) throw otherWorld(launched, ranks)
    const own = await shareCores(ranks, threads)
    const heard = ranks.rank === 0 ? progress : silent
    heard.note(`${ranks.library}: ${own.note}`)
    const result = await work({ ranks, threads: own.threads, progress: heard })
    left(() => ranks.end())
    return result
  } catch (error) {
    if (error instanceof Agreed) {
      left(() => ranks.end())
      if (ranks.rank > 0) process.exit(0) // rank 0 tells, and its exit code is the launcher's
      throw error
    }
    if (ranks.rank > 0) await sleep(GRACE)
    setTimeout(() => process.exit(), GRACE).unref() // after the error is printed, even during a collective call
    throw ranks.rank > 0 ? ofRank(ranks, error as Error) : error
  }
}

/**
 * Ends all ranks if this process ends before it has left MPI: otherwise the others would wait for it, and Node for a
 * thread that is in a collective call. Returns the function that leaves MPI.
 */
function abortAtExit(ranks: Ranks): (end: () => void) => void {
  const abort = (code: number) => ranks.abort(code || 1)
  process.once('exit', abort)
  return (end) => {
    process.off('exit', abort)
    end()
  }
}

const ofRank = ({ rank, host }: Ranks, error: Error) =>
  new UserError(
    {
      at: `rank ${rank} on ${host}`,
      problem: error instanceof UserError ? error.message : `Unexpected error: ${error.stack ?? error.message}`,
    },
    { cause: error },
  )

/** The processes were started in a wrong way. */
class WrongStart extends UserError {
  override readonly exitCode = BAD_USAGE
}

const withoutFlag = ({ launcher, rank, size }: LaunchedRank) =>
  new WrongStart({
    problem: `${launcher} started this process as rank ${rank} of ${size}, and each of them would do the same work.`,
    remedy: 'Share it between them with --mpi, or start one process.',
  })

const SRUN = 'Start them with `srun --mpi=pmix`; `srun --mpi=list` names what this SLURM has.'

/**
 * Whether srun has passed its processes what they need to find each other: without it some libraries end the process in
 * MPI_Init.
 */
const isConnected = ({ launcher }: LaunchedRank, env = process.env): boolean =>
  launcher !== 'srun' || ['PMIX_RANK', 'PMI_RANK', 'PMI_FD'].some((name) => env[name] !== undefined)

const withoutPmi = ({ launcher, size }: LaunchedRank) =>
  new WrongStart({
    at: '--mpi',
    problem: `${launcher} started ${size} processes without PMI: they can't reach each other.`,
    remedy: SRUN,
  })

function otherWorld({ launcher, size }: LaunchedRank, ranks: Ranks): UserError {
  const remedy =
    launcher === 'srun' ? SRUN : 'Name the library of the MPI that the launcher belongs to in COMPACTER_MPI.'
  return new WrongStart({
    at: '--mpi',
    problem:
      `${launcher} started ${size} processes, but ${ranks.library} sees ` +
      `${ranks.size === 1 ? 'one' : ranks.size}: they can't reach each other.`,
    remedy,
  })
}
