import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { thinned } from '../../src/report/page/charts.js'
import { escapeHtml, html } from '../../src/report/page/html.js'
import { reportPage } from '../../src/report/page/page.js'
import { readReport } from '../../src/report/report.js'
import { type Browser, chromium, startBrowser } from '../support/browser.js'
import { newFolder, type RunValues, writeRun } from './runs.js'

const pageOf = async (runs: Record<string, RunValues>) => {
  const folder = newFolder()
  for (const [name, values] of Object.entries(runs)) writeRun(join(folder, name), values)
  return reportPage(await readReport([folder]), { version: '1.2.3', date: new Date('2026-11-24T00:00:00Z') })
}

const HOSTILE = `<script>document.title='hacked'</script>"><img src=x onerror="document.title='hacked'">&amp;\u202e\u0000`
const scores = (zero: number, one: number) => ({ scores: { 0: zero, [HOSTILE]: one } })

/** Of everything that a page can have: seeds, subsets, two methods, predictions, an unfinished run, hostile text. */
const everything: Record<string, RunValues> = {
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
const tagsOf = (page: string): string[] => page.replace(/<style>.*?<\/style>/s, '').match(/<[a-z][^<>]*>/gi) ?? []

describe('text from outside is shown, never obeyed', () => {
  test('in content and attributes', () => {
    expect(html`<p title="${'"><b>'}">${`a & 'b'`}${html`<i>${'<'}</i>`}${[1, undefined, false]}</p>`.text).toBe(
      '<p title="&quot;&gt;&lt;b&gt;">a &amp; &#39;b&#39;<i>&lt;</i>1</p>',
    )
    expect(escapeHtml('a\u0000\u001b[31m\u202eb\ud800c\td\ne😀')).toBe('a\ufffd\ufffd[31m\ufffdb\ufffdc\td\ne😀')
  })

  test('wherever it comes from', async () => {
    const page = await pageOf(everything)
    for (const harmful of ['<script', '<img', '<b>hostile', '\u0000', '\u202e']) expect(page).not.toContain(harmful)
    expect(page.match(/&lt;script&gt;document/g)!.length).toBeGreaterThan(10)
    const names = new Set(tagsOf(page).map((tag) => /^<([\w-]+)/.exec(tag)![1]))
    expect([...names].filter((name) => ['script', 'img', 'iframe', 'object', 'embed', 'form'].includes(name!))).toEqual(
      [],
    )
    const attributes = tagsOf(page).flatMap((tag) => tag.replaceAll(/"[^"]*"/g, '').match(/\s[\w:-]+(?==)/g) ?? [])
    expect(attributes.filter((name) => name.trim().startsWith('on'))).toEqual([])
  })
})

describe('the page', () => {
  let page: string
  beforeAll(async () => {
    page = await pageOf(everything)
  })

  test('names nothing outside itself', () => {
    const addresses = tagsOf(page).flatMap(
      (tag) => tag.match(/\s(?:src|srcset|href|xlink:href|action|data)="[^"]*"/g) ?? [],
    )
    expect(addresses.filter((address) => !/^ href="#[a-z-]+"$/.test(address))).toEqual([])
    expect(page).not.toMatch(/url\(|@import/)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })

  test('has headings in order, and no id twice', () => {
    const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level))
    expect(levels[0]).toBe(1)
    expect(levels.filter((level) => level === 1).length).toBe(1)
    for (const [i, level] of levels.slice(1).entries()) expect(level - levels[i]!).toBeLessThanOrEqual(1)
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
  })

  test('has a name and a description for every drawing, and a scope for every heading of a table', () => {
    const drawings = [...page.matchAll(/<svg (?!class="swatch" aria-hidden)([^>]*)>(.*?)<\/svg>/gs)]
    // 2 scatters (one a subset size), 1 low-resource curve, 5 curves for each of 4 tasks
    expect(drawings.length).toBe(2 + 1 + 5 * 4)
    for (const [, attributes, body] of drawings) {
      expect(attributes).toMatch(/^role="img" aria-labelledby="([\w-]+)-title \1-description"/)
      expect(body).toMatch(/^<title id="[\w-]+-title">[^<]+<\/title><desc id="[\w-]+-description">[^<]+<\/desc>/)
    }
    expect(page.match(/<th(?=[\s>])(?![^>]*scope=)/g) ?? []).toEqual([])
    expect(page.match(/<table/g)!.length).toBe(page.match(/<caption/g)!.length)
  })

  test('says of predictions that they could not be compared with the run', () => {
    expect(page).toContain(
      '2 rows, 2 wrong. The file does not say which tensors and rows it was made of: an earlier version wrote it.</p>',
    )
  })

  test('says what is not finished, and which command writes the predictions that are missing', () => {
    expect(page).toContain('is not finished: it is at step 25 of 40. Its curves are shown, its scores are not.')
    expect(page).toMatch(
      /8 runs have none; these commands write them, and likewise for the others:<\/p>\n<pre><code>compacter eval \S+\/(compacter-100-seed0) --predictions \S+\/\1\/predictions\.jsonl\ncompacter eval \S+\/(compacter-100-seed1) /,
    )
  })
})

test('a curve over training rows says of a point that it holds fewer runs than others', async () => {
  const runs = (size: number, seeds: number[]) =>
    seeds.map((seed): [string, RunValues] => [
      `${size}-${seed}`,
      { sets: [`task.subset.size=${size}`, `task.subset.seed=${seed}`], test: { accuracy: 60 + seed } },
    ])
  const whole = await pageOf(Object.fromEntries([...runs(100, [0, 1, 2]), ...runs(500, [0, 1, 2])]))
  expect(whole).not.toMatch(/>\d of 3</)
  const missing = await pageOf(Object.fromEntries([...runs(100, [0, 1, 2]), ...runs(500, [0, 2])]))
  expect(missing.match(/>\d of 3</g)).toEqual(['>2 of 3<'])
  expect(missing).toContain('Mean of 3 runs, points of fewer are marked, with bars of one standard deviation.')
})

const predictionsIn = (page: string) =>
  page.slice(page.indexOf('<section id="predictions"'), page.indexOf('<section id="runs"'))

test('of a regression the page tells errors, not how many are wrong, and hints at no ranking', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const target = (i % 5) + 1
    return {
      row: i + 1,
      source: `s${i}`,
      target: `${target}.0`,
      prediction: i === 7 ? 'none' : `${target + (i % 4) / 2 - 0.5}`,
    }
  })
  const page = await pageOf({
    stsb: { sets: ['task=glue/stsb'], test: { pearson: 80, spearman: 79 }, predictions: rows },
  })
  expect(page).toContain(
    '<p class="note">40 rows, of which 1 prediction is not a number: the mean errors count that as −1, as the scores do; the other measures leave it out. The file',
  )
  expect(predictionsIn(page)).not.toMatch(/\d wrong|rank/)
  // expected: residuals are -0.5, 0, 0.5, 1 in turn, but one of those of 1 is -1 - 3
  expect(page).toContain('<th scope="row">mean absolute error</th><td class="number">0.575</td>')
  expect(page).toContain('<th scope="row">largest error</th><td class="number">1</td>')
  expect(page).toContain('<title id="residuals-0-title">Residuals</title>')
})

test('of free text the page tells which answers are not word for word right', async () => {
  const page = await pageOf({
    record: {
      sets: ['task=superglue/record'],
      predictions: [{ row: 1, source: 's', target: 'Paris', prediction: 'paris' }],
    },
  })
  expect(page).toContain('1 row, 1 not word for word a right answer. The file')
  expect(page).toContain('The first of those that are wrong, in the file&#39;s order. Numbers')
  expect(predictionsIn(page)).not.toContain('rank')
})

test('one unfinished run is a page too', async () => {
  const page = await pageOf({ begun: { finished: false, steps: 12 } })
  expect(page).toContain('<p>No run is finished yet, so there are no scores.</p>')
  expect(page).toContain('1 run, 1 not finished of t5-nano.')
})

test('a run without a step has a page too', async () => {
  const page = await pageOf({ begun: { finished: false, steps: 0 } })
  expect(page).not.toContain('<svg')
  expect(page).toContain('it is at step 0 of 40')
})

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

describe.skipIf(!chromium)('in Chromium (skipped where it is missing)', () => {
  let browser: Browser
  let url: string
  beforeAll(async () => {
    browser = await startBrowser(chromium!)
    url = await open(everything)
  })
  afterAll(() => browser.close())

  async function open(runs: Record<string, RunValues>): Promise<string> {
    const file = join(newFolder(), 'report.html')
    writeFileSync(file, await pageOf(runs))
    await browser.send('Page.navigate', { url: `file://${file}` })
    while ((await value('location.href + document.readyState')) !== `file://${file}complete`) await sleep(50)
    return `file://${file}`
  }

  /** Evaluates in the page. */
  async function value(expression: string): Promise<unknown> {
    const { result } = await browser.send('Runtime.evaluate', { expression, returnByValue: true })
    return (result as { value: unknown }).value
  }

  test.each([
    ['a desktop', 1280, 'light'],
    ['a tablet', 768, 'dark'],
    ['a phone', 360, 'light'],
    ['a small phone', 320, 'dark'],
  ])('on %s (%i px, %s) every drawing is visible and nothing is wider than the page', async (_name, width, scheme) => {
    await browser.send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 800,
      deviceScaleFactor: 1,
      mobile: width < 600,
    })
    await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
    expect(await value('document.documentElement.scrollWidth <= innerWidth && innerWidth')).toBe(width)
    const boxes = (await value(`[...document.querySelectorAll('figure > svg')].map((svg) => {
      const { width, height, right } = svg.getBoundingClientRect()
      return { width, height, right, ink: svg.querySelectorAll('path[d]:not([d=""]), line, text').length }
    })`)) as { width: number; height: number; right: number; ink: number }[]
    expect(boxes.length).toBe(23)
    for (const box of boxes) {
      expect(box.width).toBeGreaterThan(0.7 * Math.min(width - 32, 300))
      expect(box.height).toBeGreaterThan(40)
      expect(box.right).toBeLessThanOrEqual(width)
      expect(box.ink).toBeGreaterThan(4)
    }
  })

  test('lines have the colours of the style sheet, another in the dark', async () => {
    const colour = async (scheme: string) => {
      await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
      return value(`getComputedStyle(document.querySelector('#training svg [stroke="var(--series-1)"]')).stroke`)
    }
    expect([await colour('light'), await colour('dark')]).toEqual(['rgb(65, 124, 243)', 'rgb(164, 187, 255)'])
  })

  test('nothing hostile ran, the console is silent and nothing else was asked for', async () => {
    expect(await value('document.title')).toBe('2 methods on 2 tasks')
    expect(await value('document.scripts.length + document.images.length')).toBe(0)
    expect(browser.complaints).toEqual([])
    expect(browser.requests).toEqual([url])
  })

  test('on paper the experiments are open and nothing is wider than A4', async () => {
    await open(everything)
    await browser.send('Emulation.setDeviceMetricsOverride', {
      width: 672,
      height: 1000,
      deviceScaleFactor: 1,
      mobile: false,
    }) // A4 less its margins
    await browser.send('Emulation.setEmulatedMedia', { media: 'print', features: [] })
    const wide = `[...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth)`
    expect(await value(`${wide}.map((one) => one.tagName + ' ' + one.textContent.slice(0, 80))`)).toEqual([])
    expect(
      await value(
        `[...document.querySelectorAll('details pre')].every((pre) => pre.getBoundingClientRect().height > 100)`,
      ),
    ).toBe(true)
    expect(await value(`getComputedStyle(document.body).backgroundColor`)).toBe('rgb(255, 255, 255)')
  })
})
