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
  const lines = readFileSync(metrics, 'utf8').split('\n')
  return lines.filter((line) => line.includes('"loss":') && !line.includes('"split":')).length
}
