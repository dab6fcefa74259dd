import { describe, expect, test } from 'vitest'
import { thinned } from '../../src/report/page/charts.js'
import { pageOf } from './page_runs.js'
import type { RunValues } from './runs.js'

describe('runs can be distinguished on every chart', () => {
  const rates = (count: number, sets: string[] = []) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i): [string, RunValues] => [
        `run${i}`,
        { sets: [`training.learning_rate=${(i + 1) / 1000}`, ...sets], test: { accuracy: 50 + i } },
      ]),
    )

  /** Of every chart of losses: its title, and its lines as they look with their names. */
  const lossesIn = (page: string) =>
    [...page.matchAll(/<h3>([^<]*: loss[^<]*)<\/h3>(.*?)<\/figure>/gs)].map(([, title, body]) => ({
      title,
      drawn: [...body!.matchAll(/role="graphics-symbol" aria-roledescription="line mark[^>]*>.*?<\/g>/gs)]
        .flatMap(([mark]) => [...mark.matchAll(/stroke="([^"]+)"[^>]*?(?:stroke-dasharray="([^"]+)")?\/>/g)])
        .map(([, colour, dash]) => `${colour} ${dash ?? ''}`),
      names: [...body!.matchAll(/<li>.*?stroke="([^"]+)".*?<span>([^<]*)<\/span>/gs)].map(([, colour, name]) => [
        colour,
        name,
      ]),
    }))

  test.each([
    [1, ['']],
    [2, ['']],
    [9, [', runs 1 to 5 of 9', ', runs 6 to 9 of 9']],
    [30, [', runs 1 to 8 of 30', ', runs 9 to 16 of 30', ', runs 17 to 24 of 30', ', runs 25 to 30 of 30']],
  ])(
    '%i runs: no chart has a colour twice, and names are what differs, the best on validation first',
    async (count, parts) => {
      const charts = lossesIn(await pageOf(rates(count)))
      expect(charts.map(({ title }) => title)).toEqual(parts.map((part) => `rotten-tomatoes: loss${part}`))
      for (const { names, drawn } of charts) {
        expect(new Set(names.map(([colour]) => colour)).size).toBe(names.length)
        expect(new Set(drawn).size).toBe(drawn.length)
        if (count > 1) expect(drawn.length).toBe(names.length)
      }
      const best = Array.from({ length: count }, (_, i) => `learning_rate = ${(count - i) / 1000}`)
      expect(charts.flatMap(({ names }) => names.map(([, name]) => name))).toEqual(count === 1 ? [] : best)
    },
  )

  test('seeds of a method share its colour and are dashed, up to ten lines a chart', async () => {
    const runs = ['compacter', 'full', 'bitfit'].flatMap((method, i) =>
      [1, 2, 3].map((seed): [string, RunValues] => [
        `${method}${seed}`,
        { sets: [`method=${method}`, `training.seed=${seed}`], test: { accuracy: 60 + i } },
      ]),
    )
    const [chart, ...others] = lossesIn(await pageOf(Object.fromEntries(runs)))
    expect(others).toEqual([])
    expect(chart!.names.map(([colour, name]) => `${name}: ${colour}`).slice(0, 4)).toEqual([
      'bitfit, seed = 1: var(--series-1)',
      'bitfit, seed = 2: var(--series-1)',
      'bitfit, seed = 3: var(--series-1)',
      'full, seed = 1: var(--series-2)',
    ])
    expect(new Set(chart!.drawn).size).toBe(9)
  })

  test('a long name is whole everywhere', async () => {
    const long = `classify the following review, which is number 1 of ${'very '.repeat(20)}many: {text}`
    const page = await pageOf({ a: {}, b: { sets: [`task.prompt="${long}"`] } })
    expect(page).toContain(`<span>prompt = ${long}</span>`)
    expect(page).not.toContain('…')
  })

  test('the chance line is where scores are drawn, with how it was guessed', async () => {
    const chance = {
      by: 'majority_class',
      guess: '1',
      validation: { accuracy: 48.5 },
      test: { accuracy: 51.25 },
    } as const
    const run = (method: string, share_percent: number): RunValues => ({
      sets: [`method=${method}`],
      result: { share_percent, chance },
    })
    const page = await pageOf({ a: run('compacter', 0.2), b: run('full', 100) })
    const named = 'chance: always positive (1), the commonest label in training: '
    const guesses = [...page.matchAll(/<span>(chance: [^<]*)<\/span>/g)].map(([, guess]) => guess)
    expect(guesses).toEqual([`${named}51.25`, `${named}48.50`]) // of the scatter, on test; of the curve, on validation
    expect(page.match(/stroke="var\(--quiet\)" stroke-width="1.5" stroke-dasharray="1,3"/g)!.length).toBe(2)
    expect(page).toContain('Chance on test: always positive (1), the commonest label in training: 51.25.</p>')
    const choices = { by: 'uniform', validation: { accuracy: 50 }, test: { accuracy: 25 } } as const
    expect(await pageOf({ a: { result: { chance: choices } } })).toContain(
      'Chance on test: one of the row&#39;s choices at random: 25.00.</p>',
    )
  })

  test('of runs that were trained on other rows the chance is the highest, the lowest of errors', async () => {
    const guessed = (guess: string, test: Record<string, number>): RunValues => ({
      sets: [`training.seed=${guess}`],
      test,
      result: { chance: { by: 'majority_class', guess, validation: test, test } },
    })
    const page = await pageOf({ a: guessed('0', { accuracy: 48 }), b: guessed('1', { accuracy: 52 }) })
    expect(page).toContain('Chance on test: the commonest label in training: 52.00.</p>')
    const errors = await pageOf({ a: guessed('0', { mae: 3 }), b: guessed('1', { mae: 2 }) })
    expect(errors).toContain('Chance on test: the commonest label in training: 2.00.</p>')
  })

  test('settings of one method are not called methods', async () => {
    const titles = [await pageOf(rates(3)), await pageOf({ ...rates(2), full: { sets: ['method=full'] } })]
    expect(titles.map((page) => /<h1>([^<]*)/.exec(page)![1])).toEqual([
      '3 settings of compacter on rotten-tomatoes',
      '3 settings on rotten-tomatoes',
    ])
  })

  test('methods of one size make no chart against trained parameters', async () => {
    expect(await pageOf(rates(2))).not.toContain('Score against trained parameters')
  })
})

test('a long line is drawn of 200 means of neighbours', () => {
  const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, value: 2 * i }))
  const thin = thinned(points)
  expect(thin.length).toBe(200)
  expect(thin[0]).toEqual({ step: 3, value: 4 }) // of steps 1 to 5, of values 0 to 8
  expect(thin[199]).toEqual({ step: 998, value: 1994 })
})
