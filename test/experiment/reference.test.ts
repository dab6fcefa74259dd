import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { referenceTables } from '../../src/experiment/reference.js'
import { packageRoot } from '../../src/root.js'

// `npx vitest run test/experiment/reference.test.ts -u` writes it anew.
test('docs/experiment.md lists every key as the schema describes it', async () => {
  const file = join(packageRoot, 'docs/experiment.md')
  const [prose] = readFileSync(file, 'utf8').split(/(?<=from the schema by .*\n\n)/)
  await expect(`${prose}${referenceTables()}`).toMatchFileSnapshot(file)
})
