import { beforeAll, describe, expect, test } from 'vitest'
import { escapeHtml, html } from '../../src/report/page/html.js'
import { everything, pageOf, tagsOf } from './page_runs.js'
import type { RunValues } from './runs.js'

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
  expect(page).toContain('<p>No run has been trained to its end, so there are no scores.</p>')
  expect(page).toContain('1 run, 1 not finished of t5-nano.')
})

test('a run without a step has a page too', async () => {
  const page = await pageOf({ begun: { finished: false, steps: 0 } })
  expect(page).not.toContain('<svg')
  expect(page).toContain('it is at step 0 of 40')
})
