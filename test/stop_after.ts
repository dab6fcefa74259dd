import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Asks a training to stop when so many steps more are logged in its run. */
export function stopAfter(run: string, steps: number): () => boolean {
  const before = logged(run)
  return () => logged(run) - before >= steps
}

function logged(run: string): number {
  const metrics = join(run, 'metrics.jsonl')
  if (!existsSync(metrics)) return 0
  return readFileSync(metrics, 'utf8').match(/^.*"loss":.*$/gm)?.length ?? 0
}
