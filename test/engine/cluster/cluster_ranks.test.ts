import { describe, expect, test } from 'vitest'
import { launchedRank } from '../../../src/engine/cluster/launcher.js'
import { openMpi } from '../../../src/engine/cluster/mpi.js'
import { launchers, onRanks } from '../../support/launchers.js'

describe('launchers', () => {
  test.each([
    [
      'Open MPI',
      { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_SIZE: '2' },
      'mpirun',
      2,
    ],
    ['Hydra', { PMI_RANK: '1', PMI_SIZE: '4', MPI_LOCALNRANKS: '4' }, 'Hydra', 4],
    [
      'srun',
      { SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '4', SLURM_STEP_TASKS_PER_NODE: '1(x2),2', SLURM_NODEID: '2' },
      'srun',
      2,
    ],
    ['srun with PMI-2', { PMI_RANK: '1', PMI_SIZE: '4', SLURM_STEP_ID: '0' }, 'srun', undefined],
  ] as const)('%s tells a process its rank, and how many are on its host', (_, env, launcher, onHost) => {
    expect(launchedRank(env)).toEqual({ launcher, rank: 1, size: 4, onHost })
  })

  test('a batch script of several tasks is one process, not a rank', () => {
    expect(launchedRank({ SLURM_PROCID: '0', SLURM_NTASKS: '4', SLURM_TASKS_PER_NODE: '4' })).toBeUndefined()
  })
})

test('a file that is not a library is refused by the name in COMPACTER_MPI', () => {
  expect(() => openMpi({ COMPACTER_MPI: '/nowhere/libmpi.so' })).toThrow(
    /^COMPACTER_MPI=\/nowhere\/libmpi\.so: can't be/,
  )
})

test.runIf(process.platform === 'linux')('a library that is not an MPI is refused', () => {
  expect(() => openMpi({ COMPACTER_MPI: 'libc.so.6' })).toThrow(
    'libc.so.6: is not an MPI library that compacter knows: it has no MPI_Get_library_version.',
  )
})

describe.runIf(launchers.length > 0).each(launchers)('ranks of $name', (launcher) => {
  test.each([1, 2, 3])('%i of them sum, broadcast and gather the same on each', async (size) => {
    const { code, stdout, stderr } = await onRanks(launcher, size, 'rank_process.ts')
    expect(code, stderr).toBe(0)
    const got = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(got.map(({ rank }) => rank).sort()).toEqual([0, 1, 2].slice(0, size))
    for (const rank of got)
      expect(rank).toMatchObject({
        size,
        library: expect.stringMatching(`^${launcher.name} \\d`),
        floats: [(size * size) / 2, -size],
        integers: [size * 2 ** 29, (size * (size - 1)) / 2].map((sum) => sum | 0),
        alike: true,
        told: 'from rank 0',
        gathered: ['', 'x', 'xx'].slice(0, size),
        nothing: ['', '', ''].slice(0, size),
      })
  })
})

const overTcp = launchers.find(({ name }) => name === 'Open MPI')

test.runIf(overTcp)('ranks that reach each other over TCP end in order', async () => {
  const args = ['--mca', 'btl', 'tcp,self', ...overTcp!.args]
  const { code, stdout, stderr } = await onRanks({ ...overTcp!, args }, 2, 'rank_process.ts')
  expect(code, stderr).toBe(0)
  expect(stdout.trim().split('\n')).toHaveLength(2)
})
