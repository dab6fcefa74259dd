import { readdirSync, readFileSync } from 'node:fs'
import { runProgram } from './provision/process.js'

/**
 * Returns the models of the NVIDIA GPUs here: from the kernel driver's files, otherwise from nvidia-smi (Windows, WSL).
 */
export async function nvidiaGpus(): Promise<string[]> {
  const folder = '/proc/driver/nvidia/gpus'
  try {
    return readdirSync(folder).map((gpu) => modelOf(readFileSync(`${folder}/${gpu}/information`, 'utf8')))
  } catch {
    const query = ['--query-gpu=name', '--format=csv,noheader']
    const answer = await runProgram('nvidia-smi', query, { seconds: 5 }).catch(() => ({ stdout: '' }))
    return answer.stdout.split('\n').filter(Boolean)
  }
}

const modelOf = (information: string): string => /^Model:\s*(.+)$/m.exec(information)?.[1] ?? 'NVIDIA GPU'
