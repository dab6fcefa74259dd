import { expect, test } from 'vitest'
import { pageOf } from './page_runs.js'
import type { RunValues } from './runs.js'

const GIB = 2 ** 30

/** Runs of a method on two tasks: their scores, the trained share in %, and peaks of memory in GiB. */
function runs(method: string, scores: number[], share: number, gigabytes: number[]): [string, RunValues][] {
  return scores.map((accuracy, i) => [
    `${method}-${i}`,
    {
      sets: [`method=${method}`],
      task: ['rte', 'mrpc'][i]!,
      test: { accuracy },
      result: { share_percent: share, peak_memory_bytes: gigabytes[i]! * GIB },
    },
  ])
}

const figureOf = (page: string) => /<h3>(Average of [^<]*)<\/h3>(.*?)<\/figure>/s.exec(page)

const table = [
  ...runs('full', [60, 70], 100, [4, 4]),
  ...runs('compacter', [62, 72], 0.07, [1, 1]),
  ...runs('adapter', [50, 64], 0.8, [1, 3]),
]

test('the average of several tasks against the trained share, marks as large as the memory', async () => {
  const page = await pageOf(Object.fromEntries([...table, ...runs('bitfit', [99], 0.1, [2])]))
  const [, title, body] = figureOf(page)!
  expect(title).toBe('Average of 2 tasks')
  // bitfit was not trained on both
  expect([...body!.matchAll(/<span>([^<]*)<\/span>/g)].map(([, label]) => label)).toEqual([
    'compacter, 1.00 GiB',
    'full, 4.00 GiB',
    'adapter, 2.00 GiB',
  ])
  expect(body).toContain(
    '3 methods; the best on validation is compacter with an average of 67.00 on test at 0.0700 % of the backbone&#39;s ' +
      'parameters and 1.00 GiB of memory.',
  )
  const marks = [...body!.matchAll(/transform="translate\(([\d.]+),([\d.]+)\)" d="M([\d.]+),0A/g)].map(
    ([, x, y, radius]) => ({ x: Number(x), y: Number(y), area: Number(radius) ** 2 }),
  )
  expect(marks.length).toBe(3)
  // small marks are drawn over large ones
  const [full, adapter, compacter] = marks as [(typeof marks)[0], (typeof marks)[0], (typeof marks)[0]]
  expect(full.area / compacter.area).toBeCloseTo(4, 1)
  expect(adapter.area / compacter.area).toBeCloseTo(2, 1)
  // 67 above 65 above 57 in equal parts; 0.07, 0.8 and 100 % from left to right
  expect((full.y - compacter.y) / (adapter.y - compacter.y)).toBeCloseTo(2 / 10, 2)
  expect(compacter.x < adapter.x && adapter.x < full.x).toBe(true)
  expect((adapter.x - compacter.x) / (full.x - compacter.x)).toBeCloseTo(Math.log(0.8 / 0.07) / Math.log(100 / 0.07), 2)
})

test('a single task and methods of one size have no such chart', async () => {
  const one = table.filter(([name]) => name.endsWith('-0'))
  expect(figureOf(await pageOf(Object.fromEntries(one)))).toBeNull()
  const alike = ['compacter', 'bitfit'].flatMap((method) => runs(method, [60, 70], 0.2, [1, 1]))
  expect(figureOf(await pageOf(Object.fromEntries(alike)))).toBeNull()
})

test('the chart of a task names the best of that task, also where the method lacks another task', async () => {
  const page = await pageOf(Object.fromEntries([...table, ...runs('bitfit', [99], 0.1, [2])]))
  expect(page).toContain('4 methods; the best on validation is bitfit with 99.00 on test at 0.100 % of the backbone')
  expect(page).toContain('3 methods; the best on validation is compacter with 72.00 on test')
})

test('a share that differs between tasks is drawn at its mean, and named and listed as a range', async () => {
  const parts = [...runs('full', [60, 70], 100, [4, 4]), ...runs('compacter', [62, 72], 0.07, [1, 1])]
  const [, values] = parts.find(([name]) => name === 'compacter-1')!
  Object.assign(values.result!, { share_percent: 0.09, trained_parameters: 20000 })
  const page = await pageOf(Object.fromEntries(parts))
  const [, , body] = figureOf(page)!
  expect(body).toContain('on test at 0.0700–0.0900 % of the backbone')
  expect(body).toContain('a mean over runs. Trained shares are means over tasks.')
  expect(page).toMatch(/>18,368–20,000<\/td><td[^>]*>0\.0700–0\.0900 %</)
})
