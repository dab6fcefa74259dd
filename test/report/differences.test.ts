import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { reportPage } from '../../src/report/page/page.js'
import { readReport } from '../../src/report/report.js'
import { writeAnsweredRun } from '../compare/made_runs.js'
import { newFolder, writeRun } from './runs.js'

const folder = newFolder()
afterAll(() => rmSync(folder, { recursive: true }))

/** 200 answers of which so many are right; the wrong ones of each number are rows of their own. */
const answers = (right: number) =>
  Array.from({ length: 200 }, (_, row) => ({
    ...{ label: '1', target: '1' },
    prediction: (row + right) % 200 < right ? '1' : '0',
  }))
const run = (name: string, right: number, sha256?: string) =>
  writeAnsweredRun(join(folder, name), answers(right), {
    sets: [`method.preset=${name}`],
    test: { accuracy: right / 2 },
    ...(sha256 !== undefined && { sha256, manifest: { data_sha256: { test: sha256 } } }),
  })
const pageOf = async (...runs: string[]) =>
  reportPage(await readReport(runs), { version: '1.2.3', date: new Date('2026-11-27T00:00:00Z') })
const sectionOf = (page: string) => /<section id="differences".*?<\/section>/s.exec(page)?.[0]

test('a page shows every method against the best on validation, and says what each shows', async () => {
  const section = sectionOf(await pageOf(run('lora', 180), run('full', 176), run('compacter', 130)))!
  expect(section).toContain('<h3>rotten-tomatoes: accuracy against lora</h3>')
  expect(section).toContain('compacter is worse than lora in accuracy: 65.00 against 90.00')
  expect(section).toContain('No difference can be claimed between full and lora in accuracy')
  expect(section).toContain('with 95 % intervals over 200 rows.')
  const points = [...section.matchAll(/<path[^>]*d="M4\.183[^>]*>/g)].map(([mark]) => / (fill|stroke)="/.exec(mark)![1])
  expect(points.toSorted()).toEqual(['fill', 'stroke']) // compacter's difference is one, full's may be chance
})

test('runs without answers have no such section, and answers to other rows are named', async () => {
  const plain = ['bitfit', 'adapter'].map((name) => writeRun(join(folder, name), { sets: [`method.preset=${name}`] }))
  expect(sectionOf(await pageOf(...plain))).toBeUndefined()
  const section = sectionOf(await pageOf(run('lora', 180), run('compacter', 130, '44'.repeat(32))))
  expect(section).toContain('rotten-tomatoes: not compared.')
  expect(section).toContain('its test rows have the SHA-256 444444444444…')
})
