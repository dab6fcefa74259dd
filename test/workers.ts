import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'

export interface StartedWorker {
  address: string
  process: ChildProcess
  /** All that it has printed. */
  output(): string
}

/** A worker in a process of its own, on a free port of the loopback. */
export async function startWorkerProcess(env: NodeJS.ProcessEnv = {}, args: string[] = []): Promise<StartedWorker> {
  const file = join(packageRoot, 'test/worker_process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, '127.0.0.1:0', ...args], {
    cwd: packageRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text) => {
      output += text
      const found = /^Worker on (\S+),/m.exec(output)
      if (found) resolve(found[1]!)
    })
    child.on('exit', (code) => reject(new Error(`a worker ended with ${code}: ${output}`)))
  })
  return { address, process: child, output: () => output }
}
