import { Worker } from 'node:worker_threads'

/** How often a holder touches its lock file. */
export const BEAT_MS = 2000

let worker: Worker | undefined
const lost = new Map<string, () => void>()

/**
 * Touches a lock file in a thread of its own, until the returned function is called. `onLost` is called when the lock
 * has passed to another process.
 */
export function startBeating({ file, owner }: { file: string; owner: string }, onLost: () => void): () => void {
  worker ??= started()
  lost.set(owner, onLost)
  worker.postMessage({ owner, file })
  return () => {
    lost.delete(owner)
    worker!.postMessage({ owner })
  }
}

function started(): Worker {
  // Plain JavaScript, so that it starts in a few milliseconds from sources, too.
  const worker = new Worker(new URL('./beat.cjs', import.meta.url), {
    execArgv: [],
    workerData: { everyMs: BEAT_MS },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  })
  worker.on('message', (owner: string) => lost.get(owner)?.())
  worker.unref()
  return worker
}
