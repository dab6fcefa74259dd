/** What a launcher says of this process in its environment. */
export interface LaunchedRank {
  launcher: 'mpirun' | 'Hydra' | 'srun'
  rank: number
  /** Number of all processes. */
  size: number
  /** Number of processes on this host, if the launcher says so. */
  onHost: number | undefined
}

const VARIABLES = [
  {
    launcher: 'mpirun',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    onHost: 'OMPI_COMM_WORLD_LOCAL_SIZE',
  },
  { launcher: 'Hydra', rank: 'PMI_RANK', size: 'PMI_SIZE', onHost: 'MPI_LOCALNRANKS' },
  // set by srun for a step; SLURM_NTASKS exists in a batch script too, which runs once
  { launcher: 'srun', rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', onHost: undefined },
] as const

/**
 * Returns the rank that a launcher of parallel jobs has given this process; undefined for a process that was started on
 * its own.
 */
export function launchedRank(env: NodeJS.ProcessEnv = process.env): LaunchedRank | undefined {
  for (const names of VARIABLES) {
    const [rank, size] = [count(env[names.rank]), count(env[names.size])]
    if (rank === undefined || size === undefined) continue
    const onHost = names.onHost ? count(env[names.onHost]) : tasksOnNode(env)
    // srun's PMI-2 sets PMI_RANK too, but the launcher is srun
    const launcher = names.launcher === 'Hydra' && env.SLURM_STEP_ID !== undefined ? 'srun' : names.launcher
    return { launcher, rank, size, onHost }
  }
  return undefined
}

/** Returns this node's number in `SLURM_STEP_TASKS_PER_NODE`, which is written as `2(x3),1`. */
function tasksOnNode({ SLURM_STEP_TASKS_PER_NODE, SLURM_NODEID }: NodeJS.ProcessEnv): number | undefined {
  const node = count(SLURM_NODEID)
  if (!SLURM_STEP_TASKS_PER_NODE || node === undefined) return undefined
  const tasks = SLURM_STEP_TASKS_PER_NODE.split(',').flatMap((part) => {
    const [, each, nodes] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? []
    return new Array<number>(Number(nodes ?? 1)).fill(Number(each))
  })
  return tasks[node]
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined

/** Variables of other launchers, which say less. */
const SIGNS = ['PMIX_RANK', 'PALS_RANKID', 'FLUX_TASK_RANK', 'ALPS_APP_PE', 'MV2_COMM_WORLD_RANK']

/** Whether a launcher that `launchedRank` does not know may have started this process. */
export const mayBeRank = (env: NodeJS.ProcessEnv = process.env): boolean =>
  SIGNS.some((name) => env[name] !== undefined)
