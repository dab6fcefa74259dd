import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Comparisons } from '../../src/compare/compare.js'
import { writeAnsweredRun } from '../compare/made_runs.js'
import { newFolder } from '../report/runs.js'
import { compacter } from '../support/cli.js'

const folder = newFolder()
const run = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(() => {
  for (const [i, [method, right]] of [
    ['lora', 180],
    ['compacter', 150],
    ['full', 176],
  ].entries())
    writeAnsweredRun(
      run(method as string),
      Array.from({ length: 200 }, (_, row) => ({
        label: '1',
        target: '1',
        prediction: (row + 7 * i) % 200 < (right as number) ? '1' : '0',
      })),
      { sets: [`method.preset=${method}`] },
    )
})

test('prints a table, a sentence for each pair, and how they were found', async () => {
  const { code, stdout, stderr } = await compacter(['compare', run('lora'), run('compacter'), run('full')])
  expect(code, stderr).toBe(0)
  const rule = (left: string, middle: string, right: string) =>
    [
      left,
      ...[11, 11, 10, 11, 12, 17, 10, 14, 16].flatMap((width) => ['─'.repeat(width), middle]).slice(0, -1),
      right,
    ].join('')
  const claims =
    'lora is better than compacter in accuracy: 90.00 against 75.00, a difference of 15.00 (95 % interval 8.95 to ' +
    '21.56, p < 0.0001).\n' +
    'No difference can be claimed between lora and full in accuracy: 90.00 against 88.00, p = 0.597. With these 200 ' +
    'rows, a true difference of 9.30 is found four times in five.\n' +
    'compacter is worse than full in accuracy: 75.00 against 88.00, a difference of −13.00 (95 % interval −18.04 to ' +
    '−8.46, p < 0.0001).\n'
  const notes =
    "Scores × 100 of 200 rows, test; intervals by a paired bootstrap of 2,000 resamples; p by McNemar's exact test, " +
    'corrected by Holm over 3 comparisons: * below 0.05, ** below 0.01, *** below 0.001.\n' +
    'A method with one run is that one training: another seed may turn a difference around.\n'
  expect(stdout).toBe(
    [
      rule('┌', '┬', '┐'),
      "│ method    │ against   │ accuracy │ against's │ difference │   95 % interval │        p │ p, corrected │ smallest shown │",
      rule('├', '┼', '┤'),
      '│ lora      │ compacter │    90.00 │     75.00 │   15.00*** │   8.95 to 21.56 │ < 0.0001 │     < 0.0001 │          10.22 │',
      '│ lora      │ full      │    90.00 │     88.00 │       2.00 │   −3.55 to 7.55 │    0.597 │        0.597 │           9.30 │',
      '│ compacter │ full      │    75.00 │     88.00 │  −13.00*** │ −18.04 to −8.46 │ < 0.0001 │     < 0.0001 │           7.86 │',
      rule('└', '┴', '┘'),
      `${claims}\n${notes}`,
    ].join('\n'),
  )
})

test('as JSON it is one document, with a sentence in each comparison', async () => {
  const { code, stdout } = await compacter(['compare', run('lora'), run('compacter'), '--json', '--level', '0.9'])
  expect(code).toBe(0)
  const found = JSON.parse(stdout) as Comparisons
  expect(found).toMatchObject({ split: 'test', rows: 200, units: 200, level: 0.9, resamples: 2000 })
  expect(found.methods).toEqual([
    { method: 'lora', runs: [run('lora')], scores: { accuracy: [90] } },
    { method: 'compacter', runs: [run('compacter')], scores: { accuracy: [75] } },
  ])
  expect(Object.keys(found.comparisons[0]!).sort()).toEqual(
    [
      ...['against', 'claim', 'difference', 'interval', 'mcnemar', 'method', 'metric', 'p', 'p_corrected', 'scores'],
      ...['smallest_difference', 'test', 'verdict'],
    ].sort(),
  )
})

test('Markdown and LaTeX have the stars of the corrected p-values', async () => {
  const runs = [run('lora'), run('compacter'), '--baseline', run('full')]
  const markdown = await compacter(['compare', ...runs, '--format', 'markdown'])
  expect(markdown.stdout).toContain(
    '| compacter | full | 75.00 | 88.00 | −13.00\\*\\*\\* | −18.04 to −8.46 | \\< 0.0001 | \\< 0.0001 | 7.49 |',
  )
  const latex = await compacter(['compare', ...runs, '--format', 'latex'])
  expect(latex.stdout).toContain('compacter & full & 75.00 & 88.00 & $-$13.00$^{***}$ & $-$18.04 to $-$8.46 &')
  expect(latex.stdout).toMatch(/^% No difference can be claimed between lora and full in accuracy/)
})

test('exits with 0 whatever it finds, and with 1 where a gate asks for that', async () => {
  const gate = (name: string, baseline: string) =>
    compacter(['compare', run(name), '--baseline', run(baseline), '--fail-if-worse'])
  expect((await gate('compacter', 'lora')).code).toBe(1)
  expect((await gate('lora', 'compacter')).code).toBe(0)
  expect((await gate('full', 'lora')).code).toBe(0)
  const ungated = await compacter(['compare', run('compacter'), '--baseline', run('lora')])
  expect(ungated.code).toBe(0)
  expect(ungated.stdout).toContain('compacter is worse than lora in accuracy: 75.00 against 90.00')
})

test('refuses a level that is none, and a gate without a baseline', async () => {
  const level = await compacter(['compare', run('lora'), run('full'), '--level', '95'])
  expect(level.code).toBe(2)
  expect(level.stderr).toContain(
    '--level 95: is not a level of intervals. Give a number from 0.5 to 0.999, such as 0.95.',
  )
  const gate = await compacter(['compare', run('lora'), run('full'), '--fail-if-worse'])
  expect(gate.code).toBe(2)
  expect(gate.stderr).toBe(
    '--fail-if-worse: needs --baseline, which is not given. Add --baseline RUN, or leave --fail-if-worse out.\n',
  )
  const both = await compacter(['runs', 'clean', folder, '--yes', '--dry-run'])
  expect([both.code, both.stderr]).toEqual([2, '--yes: does not go with --dry-run. Keep one of the two.\n'])
})
