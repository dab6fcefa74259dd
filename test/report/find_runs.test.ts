import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { findRuns } from '../../src/report/find_runs.js'
import { readReport } from '../../src/report/report.js'
import { writeReport } from '../../src/report/write.js'
import { newFolder, type RunValues, writeRun } from './runs.js'

const reasons = async (folder: string) =>
  Object.fromEntries(
    (await readReport([folder])).leftOut.map(({ folder, reason }) => [
      folder.split('/').at(-1),
      reason.replace(/^experiment\.yaml:\d+: /, 'experiment.yaml:LINE: '),
    ]),
  )

const anew = 'Restore it from a copy.'

test('unfinished or damaged runs are named with the reason; the others are shown', async () => {
  const folder = newFolder()
  const run = (name: string, values = {}) => writeRun(join(folder, name), values)
  run('whole', { sets: ['training.seed=1'] })
  run('begun', { finished: false, steps: 7 })
  appendFileSync(join(run('cut-short'), 'metrics.jsonl'), '{"step":41,"lo')
  writeFileSync(join(run('no-json'), 'result.json'), '{"validation": ')
  writeFileSync(join(run('wrong-type'), 'result.json'), '{"validation": {"accuracy": "high"}}')
  writeFileSync(join(run('wrong-key'), 'experiment.yaml'), 'name: x\nbackbone: 5\n')
  writeFileSync(join(run('bomb'), 'experiment.yaml'), `a: &a [${'x,'.repeat(9)}]\n${bomb()}`)
  const cut = join(run('cut'), 'experiment.yaml')
  writeFileSync(cut, readFileSync(cut, 'utf8').slice(0, -9))
  rmSync(join(run('headless'), 'experiment.yaml'))
  mkdirSync(join(folder, 'empty'))
  const { runs } = findRuns([folder])
  expect(runs.map((run) => run.folder)).toEqual(['begun', 'cut-short', 'whole'].map((name) => join(folder, name)))
  expect(await reasons(folder)).toEqual({
    begun: 'is not finished: it is at step 7 of 40. Its curves are shown, its scores are not.',
    'cut-short': 'line 45 of metrics.jsonl could not be read; the rest is shown.',
    'no-json': `result.json:1:16: is damaged: it is cut short. ${anew}`,
    'wrong-type': `result.json:1:29: is damaged: validation.accuracy: Invalid input: expected number, received string. ${anew}`,
    'wrong-key': 'experiment.yaml:1:1: An experiment has no method. Needed: What is trained.',
    cut: 'experiment.yaml:LINE: is damaged: the last line has no end, so it may be cut short. Restore it; if nothing is missing, put a line break at its end.',
    bomb: expect.stringContaining('aliases expand to'),
    headless: 'is damaged: it has no experiment.yaml.',
  })
})

/** Each line holds the one before ten times. */
function bomb(): string {
  return Array.from({ length: 9 }, (_, i) => {
    const before = String.fromCharCode(97 + i)
    return `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${`*${before},`.repeat(10)}]\n`
  }).join('')
}

test('folders of runs are searched, each run is read once, in the order of the numbers in the names', () => {
  const folder = newFolder()
  for (const name of ['grid/size-100', 'grid/size-20', 'single']) writeRun(join(folder, name))
  const found = findRuns([folder, join(folder, 'single'), join(folder, 'grid', 'size-20', '.')])
  expect(found.runs.map((run) => run.folder.slice(folder.length + 1))).toEqual([
    'grid/size-20',
    'grid/size-100',
    'single',
  ])
  expect(found.leftOut).toEqual([])
})

const remedy = 'Name folders that `compacter train` made, such as runs/quickstart, or a folder of them.'

test.each([
  [
    'a path that is not there',
    (folder: string) => [join(folder, 'none')],
    (folder: string) => `${folder}/none: there is no such folder. ${remedy}`,
  ],
  [
    'nothing but an empty folder',
    (folder: string) => [folder],
    (folder: string) => `${folder}: is not a run and holds none: it has no experiment.yaml. ${remedy}`,
  ],
  [
    'a file and an empty folder',
    (folder: string) => {
      writeFileSync(`${folder}.txt`, '')
      return [`${folder}.txt`, folder]
    },
    (folder: string) => `${folder}.txt: is a file, not a folder. None of the others is a run either. ${remedy}`,
  ],
])('refuses %s', (_name, paths, message) => {
  const folder = newFolder()
  expect(() => findRuns(paths(folder))).toThrow(message(folder))
})

test('needs neither the data nor the backbone of a run', () => {
  const folder = writeRun(join(newFolder(), 'run'))
  const file = join(folder, 'experiment.yaml')
  const data = join(packageRoot, 'configs/tasks/rotten-tomatoes')
  const elsewhere = readFileSync(file, 'utf8').replaceAll(data, '/nowhere').replace('t5-nano', '/nowhere/t5')
  writeFileSync(file, elsewhere)
  expect(findRuns([folder]).runs[0]!.experiment).toMatchObject({
    backbone: { name: '/nowhere/t5' },
    task: { train: '/nowhere/train.jsonl' },
  })
})

test('runs on other test rows get a warning and are not repetitions of each other, nor are those from other weights', async () => {
  const folder = newFolder()
  const run = (name: string, values: object) => writeRun(join(folder, name), values)
  run('a', { sets: ['training.seed=1'] })
  run('b', {
    sets: ['training.seed=2'],
    manifest: { backbone_sha256: 'cd'.repeat(32), data_sha256: { test: '44'.repeat(32) } },
  })
  const { cautions, groups } = await readReport([folder])
  expect(groups.map(({ runs }) => runs.length)).toEqual([1, 1])
  expect(cautions).toEqual(['rotten-tomatoes: the test files of these runs differ, so their scores do not compare.'])
})

test('runs whose validation scores are of different rows get a warning, on the page and with a table', async () => {
  const folder = newFolder()
  const run = (name: string, values: RunValues) => writeRun(join(folder, name), values)
  run('a', { sets: ['training.evaluation_rows=100'], manifest: { evaluation_rows: { rows: 100, of: 1066 } } })
  run('b', { sets: ['method=lora'] })
  const caution =
    'rotten-tomatoes: validation scores are of different rows (100 of 1,066; all), so neither the order of the rows ' +
    'nor the best on validation says which method is better.'
  expect((await readReport([folder])).cautions).toEqual([caution])
  for (const [format, line] of [
    ['markdown', `\n\nCaution: ${caution}\n`],
    ['latex', `\n% Caution: ${caution}\n`],
    ['html', `<p class="caution"><strong>Caution.</strong> ${caution}</p>`],
  ] as const)
    expect((await writeReport([folder], { format, out: undefined, force: false })).text).toContain(line)
  run('b', { sets: ['method=lora'], manifest: { data_sha256: { validation: '44'.repeat(32) } } })
  expect((await readReport([folder])).cautions).toEqual([
    'rotten-tomatoes: the validation files of these runs differ, so neither the order of the rows nor the best on ' +
      'validation says which method is better.',
  ])
  run('b', {
    sets: ['method=lora', 'training.evaluation_rows=100'],
    manifest: { evaluation_rows: { rows: 100, of: 1066 } },
  })
  expect((await readReport([folder])).cautions).toEqual([])
})
