import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { plots } from '../../bench/plots.bench.js'
import { packageRoot } from '../../src/base/root.js'
import { barPlot, scatterPlot } from '../../src/report/plots.js'

const RESULTS = join(packageRoot, 'docs/results')

describe('the plots of docs/results', () => {
  let drawn: Record<string, string>
  beforeAll(async () => {
    drawn = await plots()
  })

  test.each(readdirSync(RESULTS).filter((name) => name.endsWith('.svg')))(
    '%s is that of the figures beside it: npx tsx bench/plots.bench.ts',
    (name) => {
      expect(readFileSync(join(RESULTS, name), 'utf8')).toBe(drawn[name])
    },
  )

  test('of Rotten Tomatoes have the chance line, with how it was guessed', () => {
    for (const name of ['methods-scatter.svg', 'methods-bars.svg', 'low_resource_grid.svg'])
      expect(drawn[name]).toContain('>dotted, chance: always 1, the commonest label in training: 50.00</text>')
  })
})

describe('a plot of 13 methods', () => {
  const points = Array.from({ length: 13 }, (_, i) => ({
    method: `method ${i} of a name that is longer than any legend takes by itself, ${'and '.repeat(10)}longer`,
    share: i + 1,
    score: (i * 7) % 13,
  }))
  const labels = { score: 'accuracy', title: 'many' }
  const best = points.toSorted((a, b) => b.score - a.score).map(({ method }) => method)
  const namesIn = (drawing: string) => [...drawing.matchAll(/>(method \d+ [^<]*)<\/text>/g)].map(([, name]) => name)

  test('has their names in full, the best first', async () => {
    expect(namesIn(await scatterPlot(points, labels))).toEqual(best)
    expect(namesIn(await barPlot(points, labels))).toEqual(best)
  })

  test('has no two points alike', async () => {
    const drawing = await scatterPlot(points, labels)
    const looks = [...drawing.matchAll(/ aria-roledescription="point"[^>]*? d="([^"]+)" fill="([^"]+)"/g)]
    expect(looks.length).toBe(13)
    expect(new Set(looks.map(([, d, fill]) => `${d} ${fill}`)).size).toBe(13)
  })
})
