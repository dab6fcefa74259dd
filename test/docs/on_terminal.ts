// Compares what README.md and docs/ print with what terminals of 80 and 120 columns show: `npm run docs:terminal`.
// Trains the quickstart first; leaves with 1 where something differs.
import { rmSync } from 'node:fs'
import { nearOnTerminal, shownCommands } from './blocks.js'
import { documents, onColumns, outputsOf, read, trainedQuickstart } from './outputs.js'

console.log('Training the quickstart')
const quickstart = await trainedQuickstart()
for (const document of documents) {
  for (const columns of [80, 120]) {
    const seen = await outputsOf(document, quickstart, onColumns(columns))
    const differing = shownCommands(read(document)).filter(({ output }, i) => !nearOnTerminal(seen[i]!, output))
    console.log(`${document}, ${columns} columns: ${differing.length === 0 ? 'as printed' : 'differs'}`)
    for (const shown of differing) {
      const i = shownCommands(read(document)).findIndex(({ line }) => line === shown.line)
      console.log(`${document}:${shown.line}: ${shown.command}\n  printed:\n${shown.output}\n  seen:\n${seen[i]}`)
      process.exitCode = 1
    }
  }
}
rmSync(quickstart, { recursive: true })
