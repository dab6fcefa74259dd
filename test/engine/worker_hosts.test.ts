import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { addressText, parseAddress, workerAddresses } from '../../src/engine/cluster/hosts.js'
import { loadExperiment } from '../../src/experiment/load.js'

const hasSlurm = (() => {
  try {
    execFileSync('scontrol', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe('addresses of workers', () => {
  afterEach(() => vi.unstubAllEnvs())

  test.each([
    ['127.0.0.1:7222', { host: '127.0.0.1', port: 7222 }],
    ['node-3.cluster:80', { host: 'node-3.cluster', port: 80 }],
    ['[::1]:7222', { host: '::1', port: 7222 }],
  ])('%s is one', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
    expect(addressText(address)).toBe(text)
  })

  test.each(['node', 'node:', ':7222', '::1:7222', 'node:65536', 'a b:1', 'http://node:1'])('%s is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test('slurm outside of an allocation says so', () => {
    vi.stubEnv('SLURM_JOB_NODELIST', undefined)
    expect(() => workerAddresses('slurm')).toThrow(
      'training.workers: is slurm, but this process is in no SLURM allocation: SLURM_JOB_NODELIST is not set. Start it with sbatch or salloc, or list the workers as host:port.',
    )
  })

  test.runIf(hasSlurm)('slurm is port 7222 of every host of the allocation', () => {
    vi.stubEnv('SLURM_JOB_NODELIST', 'node[08-10],login')
    expect(workerAddresses('slurm')).toEqual(['node08:7222', 'node09:7222', 'node10:7222', 'login:7222'])
  })

  test('an experiment with anything else is refused', () => {
    expect(() => loadExperiment('quickstart', ['training.workers=[node]'])).toThrow(
      '--set training.workers=[node]: training.workers.0 is "node"; it must be an address host:port.',
    )
    expect(() => loadExperiment('quickstart', ['training.workers=pbs'])).toThrow(
      '--set training.workers=pbs: training.workers is "pbs"; it must be slurm or a list of addresses, each host:port.',
    )
  })
})
