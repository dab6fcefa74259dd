import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, chromium, startBrowser } from '../support/browser.js'
import { everything, pageOf } from './page_runs.js'
import { newFolder, type RunValues } from './runs.js'

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
