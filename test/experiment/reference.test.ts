import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { referenceTables } from '../../src/catalogue/reference.js'

// `npx vitest run test/experiment/reference.test.ts -u` writes it anew.
test('docs/experiment.md lists every key as the schema describes it', async () => {
  const file = join(packageRoot, 'docs/experiment.md')
  const [prose] = readFileSync(file, 'utf8').split(/(?<=from the schema by .*\n\n)/)
  await expect(`${prose}${referenceTables()}`).toMatchFileSnapshot(file)
})
