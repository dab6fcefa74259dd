import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the experiment that README shows is one, and warms up for a tenth of its steps', () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(packageRoot, 'README.md'), 'utf8'))!
  for (const split of ['train', 'validation', 'test'])
    writeFileSync(join(folder, `${split}.csv`), 'text,sentiment\ngood,1\nbad,0\n')
  const file = join(folder, 'reviews.yaml')
  writeFileSync(file, yaml!)
  expect(loadExperiment(file).training.warmup_steps).toBe(0.1)
})
