import { join } from 'node:path'
import { INTERRUPTED, UserError } from '../../base/error.js'
import { packageRoot } from '../../base/root.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import type { SlurmOptions } from '../plan/schema.js'
import { sweepFiles } from '../run/folder.js'

/** The work of one job array. */
export interface Batch {
  /** The sweep's folder, absolute. */
  folder: string
  /** Indices of cells in cells.json; each is a task of the array. */
  indices: readonly number[]
  slurm: SlurmOptions
  /** Cells at once; by default as many as the cluster allows. */
  jobs?: number | undefined
  engine?: DeviceOptions['engine'] | undefined
  allowChanged?: boolean | undefined
}

/** One option for the scheduler, and the key of the sweep file that it comes from, if any. */
export interface Request {
  text: string
  path?: (string | number)[]
}

/**
 * Returns the `#SBATCH` lines. The last one wins, so `slurm.lines` can change every choice made here.
 * @throws UserError where the folder has a name that SLURM can't use.
 */
export function requestsOf({ folder, indices, jobs, slurm }: Batch): Request[] {
  const asked = (key: keyof SlurmOptions, option: string): Request[] =>
    slurm[key] === undefined ? [] : [{ text: `#SBATCH ${option}${slurm[key]}`, path: ['slurm', key] }]
  return [
    { text: '#SBATCH --job-name=compacter-sweep' },
    { text: `#SBATCH --array=${ranges(indices)}${jobs === undefined ? '' : `%${jobs}`}` },
    { text: `#SBATCH --open-mode=append "--output=${pattern(sweepFiles(folder).logs)}/%a.log"` },
    { text: slurm.ranks === undefined ? '#SBATCH --nodes=1 --ntasks=1' : `#SBATCH --ntasks=${slurm.ranks}` },
    { text: '#SBATCH --requeue --signal=B:USR1@60' },
    ...asked('partition', '--partition='),
    ...asked('account', '--account='),
    ...asked('time', '--time='),
    ...asked('gpus', '--gres=gpu:'),
    ...asked('memory', '--mem='),
    ...asked('cpus', '--cpus-per-task='),
    ...(slurm.lines ?? []).flatMap((text, i) => (isRequest(text) ? [{ text, path: ['slurm', 'lines', i] }] : [])),
  ]
}

/**
 * Returns a path as one of sbatch's double-quoted patterns.
 * @throws UserError for a path that no pattern can name: a line end would make the rest a command of the job, and a
 *   backslash turns off the pattern's own names.
 */
function pattern(path: string): string {
  const [bad] = /[\p{Cc}\\]/u.exec(path) ?? []
  if (bad === undefined) return path.replaceAll('"', '\\"').replaceAll('%', '%%')
  throw new UserError({
    at: path,
    problem: `SLURM can't write logs there: the path holds ${JSON.stringify(bad)}.`,
    remedy: 'Choose another folder with --dir.',
  })
}

const isRequest = (line: string) => line.startsWith('#SBATCH')

/** Returns a whole batch script; a person can read it and submit it again. */
export const batchScript = (batch: Batch): string => scriptOf(requestsOf(batch), batch)

export const scriptOf = (requests: readonly Request[], batch: Batch): string =>
  ['#!/bin/bash', ...requests.map(({ text }) => text), '', jobOf(batch)].join('\n')

const jobOf = ({ folder, slurm, ...flags }: Batch) => `\
# Before its time limit a cell gets SIGUSR1, saves, and is queued again. scancel sends SIGTERM to the cell too: it saves
# and ends, and \`compacter sweep run\` continues it.
trap 'limit=1; [ "$cell" ] && ${toldToSave(slurm)}' USR1
trap : TERM
${(slurm.lines ?? []).flatMap((line) => (isRequest(line) ? [] : [`${line}\n`])).join('')}
node=${quoted(process.execPath)}
compacter=${quoted(join(packageRoot, 'bin', 'run.js'))}
threads=\${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}
[ "$limit" ] && exit ${INTERRUPTED}
${srunOf(slurm)}"$node" "$compacter" sweep cell ${quoted(folder)} "$SLURM_ARRAY_TASK_ID"${flagsOf(slurm, flags)} &
cell=$!
while kill -0 $cell 2>/dev/null; do wait $cell; done # a signal ends the wait, not the cell
wait $cell
code=$?
case $limit,$code in
  1,${INTERRUPTED} | 1,143) scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" ;; # saved, or not started
esac
exit $code
`

/** srun takes the batch script's ntasks, but not its cpus-per-task. */
const srunOf = ({ ranks, cpus }: SlurmOptions) =>
  ranks === undefined ? '' : `srun --mpi=pmix --ntasks=${ranks} ${cpus === undefined ? '' : `--cpus-per-task=${cpus} `}`

/**
 * srun would answer SIGTERM by killing its ranks. scancel signals the job's steps, which are the ranks, and not this
 * script.
 */
const toldToSave = ({ ranks }: SlurmOptions) =>
  ranks === undefined ? 'kill -TERM $cell' : 'scancel --signal=TERM $SLURM_JOB_ID'

/** Ranks find their part of a node's cores themselves. */
const threadsOf = ({ ranks }: SlurmOptions) => (ranks === undefined ? ' --threads "$threads"' : ' --mpi')

const flagsOf = (slurm: SlurmOptions, { engine, allowChanged }: Pick<Batch, 'engine' | 'allowChanged'>) =>
  `${threadsOf(slurm)}${engine ? ` --engine ${engine}` : ''}${allowChanged ? ' --allow-changed' : ''}`

/** Quotes text for the shell, as one word. */
const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** Returns `0-3,7`, as sbatch takes it. */
function ranges(indices: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const index of [...indices].sort((a, b) => a - b)) {
    const open = runs.at(-1)
    if (open && open[1] === index - 1) open[1] = index
    else runs.push([index, index])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}
