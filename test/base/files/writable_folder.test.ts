import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkWritableFolder } from '../../../src/base/files/writable_folder.js'
import { silent } from '../../../src/base/progress.js'
import { exportRun } from '../../../src/format/export.js'
import { makeRun } from '../../export/made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'writable-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'afile')
writeFileSync(file, '')

test('a folder that can be made is left unmade', () => {
  checkWritableFolder(join(folder, 'new', 'deeper'), 'a run', '--run-dir')
  expect(readdirSync(folder)).toEqual(['afile'])
})

test('a folder below a file is refused, by exports too before any work', async () => {
  const words = `${file} is a file, not a folder. Choose another folder with --`
  expect(() => checkWritableFolder(join(file, 'x'), 'a run', '--run-dir')).toThrow(
    `${join(file, 'x')}: a run can't be written there: ${words}run-dir.`,
  )
  const run = await makeRun(join(folder, 'run'), 'method=lora')
  const out = join(file, 'x')
  await expect(exportRun(run, { format: 'peft', out, force: false, progress: silent })).rejects.toThrow(
    `${out}: an export can't be written there: ${words}out.`,
  )
})

test.skipIf(!existsSync('/proc/self'))('a file system without new folders is named', () => {
  expect(() => checkWritableFolder('/proc/x', 'an export', '--out')).toThrow(
    "/proc/x: an export can't be written there: /proc takes no new folders. Choose another folder with --out.",
  )
})
