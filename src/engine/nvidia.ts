import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** The models of the NVIDIA GPUs here: from the kernel driver's files, else from nvidia-smi (Windows, WSL). */
export async function nvidiaGpus(): Promise<string[]> {
  const folder = '/proc/driver/nvidia/gpus'
  try {
    return readdirSync(folder).map((gpu) => modelOf(readFileSync(`${folder}/${gpu}/information`, 'utf8')))
  } catch {
    const query = ['--query-gpu=name', '--format=csv,noheader']
    const answer = await promisify(execFile)('nvidia-smi', query, { timeout: 5000 }).catch(() => ({ stdout: '' }))
    return answer.stdout.split('\n').filter(Boolean)
  }
}

const modelOf = (information: string): string => /^Model:\s*(.+)$/m.exec(information)?.[1] ?? 'NVIDIA GPU'
