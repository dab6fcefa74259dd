import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { cellNames, isCellName } from '../../src/sweep/plan/names.js'
import { readPlanned } from '../../src/sweep/run/folder.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { runCellApart } from '../../src/sweep/run/process.js'
import { newFolder } from '../report/runs.js'

const own = newFolder()
const sweepFile = join(own, 'trial.yaml')
writeFileSync(sweepFile, 'experiment: quickstart\naxes: { method.preset: [compacter, bitfit] }\n')
const { name, axes, slurm, cells, yaml } = loadSweep(sweepFile)
const prepare = (folder: string) =>
  prepareFolder(folder, { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false })

let folder: string
let elsewhere: string
beforeEach(() => {
  const outer = newFolder()
  folder = join(outer, 'sweep')
  elsewhere = join(outer, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'failure.json'), 'mine')
  prepare(folder)
})

describe('cells.json', () => {
  const file = () => join(folder, 'cells.json')

  test.each([
    '../elsewhere',
    '/tmp/elsewhere',
    '..',
    '.',
    '',
    'a/../../elsewhere',
    '..\\elsewhere',
    'a\nb',
    'logs',
    '.git',
  ])('whose cell is named %j is refused', (evil) => {
    const planned = JSON.parse(readFileSync(file(), 'utf8'))
    planned.cells[1].name = evil
    writeFileSync(file(), JSON.stringify(planned))
    const column = readFileSync(file(), 'utf8').indexOf(`"name":${JSON.stringify(evil)}`) + '"name":'.length + 1
    const message = `${file()}:1:${column}: is damaged: cells.1.name: ${JSON.stringify(evil)} is not the name of a cell. If none of its jobs is in a queue, delete it: the same \`compacter sweep run\` writes it again, and keeps what is trained.`
    expect(() => readPlanned(folder)).toThrow(message)
    expect(() => prepare(folder)).toThrow(message)
  })

  test('holds every name that a sweep makes', () => {
    const values = [
      { method: 'compacter++' },
      { 'task.name': '../x' },
      { 'training.learning_rate': 1e-7 },
      { a: null },
      {},
    ]
    for (const made of cellNames(values)) expect(isCellName(made), made).toBe(true)
  })
})

describe('a link', () => {
  test.each(['bitfit', 'logs'])(
    '%s out of the folder is refused, by a sweep that is there and by a new one',
    (link) => {
      rmSync(join(folder, link), { recursive: true, force: true })
      symlinkSync(elsewhere, join(folder, link))
      const message = `${join(folder, link)}: is a link out of the sweep's folder, to ${elsewhere}. Delete the link; move what it leads to into the sweep's folder if it belongs there.`
      expect(() => readPlanned(folder)).toThrow(message)
      rmSync(join(folder, 'cells.json'))
      expect(() => prepare(folder)).toThrow(message)
      expect(readFileSync(join(elsewhere, 'failure.json'), 'utf8')).toBe('mine')
    },
  )

  test('that leads nowhere is refused', () => {
    symlinkSync(join(elsewhere, 'none'), join(folder, 'bitfit'))
    expect(() => readPlanned(folder)).toThrow("bitfit: is a link out of the sweep's folder. Delete the link;")
  })

  test('to another place in the folder is followed', () => {
    mkdirSync(join(folder, 'kept'))
    symlinkSync('kept', join(folder, 'bitfit'))
    expect(readPlanned(folder).cells.map((cell) => cell.name)).toEqual(['compacter', 'bitfit'])
  })

  test('instead of a log is refused, and its target is left alone', async () => {
    const log = join(folder, 'logs', 'bitfit.log')
    symlinkSync(join(elsewhere, 'failure.json'), log)
    const job = { folder, index: 1 }
    await expect(runCellApart(job, { log, interrupted: () => false, onSaid: () => {} })).rejects.toThrow(
      `${log}: is a link, which is not followed. Delete the link, or put the file itself there.`,
    )
    expect(readFileSync(join(elsewhere, 'failure.json'), 'utf8')).toBe('mine')
  })
})
