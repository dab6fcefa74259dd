// Writes what the commands in README.md and docs/ print now below them: `npm run docs:outputs`. Trains the quickstart
// first.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import { withOutputs } from './blocks.js'
import { documents, outputsOf, read, trainedQuickstart } from './outputs.js'

console.log('Training the quickstart')
const quickstart = await trainedQuickstart()
for (const document of documents) {
  console.log(document)
  writeFileSync(join(packageRoot, document), withOutputs(read(document), await outputsOf(document, quickstart)))
}
rmSync(quickstart, { recursive: true })
