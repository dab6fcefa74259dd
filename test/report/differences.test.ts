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
/** The same for a task of another name. */
const runOn = (task: string, name: string, right: number, sets = [`method.preset=${name}`]) =>
  writeAnsweredRun(join(folder, `${task}-${name}`), answers(right), { task, sets, test: { accuracy: right / 2 } })
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

test('the best on validation of a task is its own best, also where that method lacks another task', async () => {
  const page = await pageOf(
    ...[runOn('first', 'compacter', 130), runOn('first', 'bitfit', 190), runOn('first', 'lora', 170)],
    ...[runOn('second', 'compacter', 160), runOn('second', 'lora', 180)],
  )
  const section = sectionOf(page)!
  expect(section).toContain('<h3>first: accuracy against bitfit</h3>')
  expect(section).toContain('bitfit is the best on validation.')
  expect(section).toContain('<h3>second: accuracy against lora</h3>')
})

test('of a task with more methods than a plot has the best are compared, and a best one without answers is noted', async () => {
  const rates = Array.from({ length: 17 }, (_, i) => 0.001 * (i + 1))
  const named = (rate: number) => ['method.preset=lora', `training.learning_rate=${rate}`]
  const many = rates.flatMap((rate, i) => [
    runOn('many', `lora-${i}`, 100 + i, named(rate)),
    writeRun(join(folder, `other-${i}`), { task: 'other', sets: named(rate) }),
  ])
  const unanswered = writeRun(join(folder, 'unanswered'), {
    ...{ task: 'many', sets: ['method.preset=full'], test: { accuracy: 99 } },
  })
  const section = sectionOf(await pageOf(...many, runOn('many', 'bitfit', 190), unanswered))!
  expect(section).toContain('<h3>many: accuracy against bitfit</h3>')
  expect(section).toContain('bitfit is the best on validation of those with answers. The 17 best on validation of 18.')
  expect(section).toContain('learning_rate = 0.002')
  expect(section).not.toMatch(/learning_rate = 0.001[ <]/) // the worst of the task
})
