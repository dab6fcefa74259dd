// Prints which folders of src each of them imports, and every import that goes up: npm run folders
import { folderImports, isUp, ORDER, sourceFiles } from './folder_imports.js'

const imports = folderImports()
for (const folder of ORDER) {
  const own = sourceFiles.filter((file) => file.startsWith(`${folder}/`))
  const to = ORDER.filter((other) => imports.some((each) => each.from === folder && each.to === other))
  process.stdout.write(`${folder} (${own.length} files) → ${to.join(', ') || 'nothing'}\n`)
}
const up = imports.filter(isUp)
for (const { file, to } of up) process.stdout.write(`up: ${file} imports ${to}\n`)
process.stdout.write(`${up.length} imports go up; without one there is no circle.\n`)
if (up.length > 0) process.exitCode = 1
