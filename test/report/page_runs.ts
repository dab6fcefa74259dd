import { join } from 'node:path'
import { reportPage } from '../../src/report/page/page.js'
import { readReport } from '../../src/report/report.js'
import { newFolder, type RunValues, writeRun } from './runs.js'

export const pageOf = async (runs: Record<string, RunValues>) => {
  const folder = newFolder()
  for (const [name, values] of Object.entries(runs)) writeRun(join(folder, name), values)
  return reportPage(await readReport([folder]), { version: '1.2.3', date: new Date('2026-11-24T00:00:00Z') })
}

export const HOSTILE = `<script>document.title='hacked'</script>"><img src=x onerror="document.title='hacked'">&amp;\u202e\u0000`
export const scores = (zero: number, one: number) => ({ scores: { 0: zero, [HOSTILE]: one } })

/** Of everything that a page can have: seeds, subsets, two methods, predictions, an unfinished run, hostile text. */
export const everything: Record<string, RunValues> = {
  ...Object.fromEntries(
    [100, 1000].flatMap((size) =>
      ['compacter', 'full'].flatMap((method, i) =>
        [0, 1].map((seed): [string, RunValues] => [
          `${method}-${size}-seed${seed}`,
          {
            sets: [`method=${method}`, `task.subset.size=${size}`, `task.subset.seed=${seed}`],
            test: { accuracy: 60 + size / 100 + seed },
            result: { share_percent: [0.19485, 100][i]!, step_seconds: 0.4 + i },
          },
        ]),
      ),
    ),
  ),
  '<b>hostile\'s & "run"': {
    task: HOSTILE,
    manifest: { device: HOSTILE, node: HOSTILE },
    test: { [HOSTILE]: 50, accuracy: 40 },
    predictions: [
      { row: 1, source: HOSTILE, target: HOSTILE, prediction: '0', ...scores(-1, -2) },
      { row: 2, source: `${'long '.repeat(200)}`, target: '0', prediction: HOSTILE, ...scores(-3, -2) },
    ],
  },
  unfinished: { finished: false, steps: 25 },
}

/** Opening tags: what comes from outside has neither < nor > left in it. */
export const tagsOf = (page: string): string[] =>
  page.replace(/<style>.*?<\/style>/s, '').match(/<[a-z][^<>]*>/gi) ?? []
