// Writes docs/results/glue_nano.{json,md,svg} of the finished sweep glue-nano.
//   compacter sweep run glue-nano --jobs 2 --set task.path=GLUE
//   npx tsx bench/glue_nano.bench.ts runs/glue-nano
import { readFileSync } from 'node:fs'
import { readReport } from '../src/report/report.js'
import { formatPaperTable } from '../src/report/sweep/paper.js'
import { summaryOf, unique } from '../src/run/compare/groups.js'
import { runFiles } from '../src/run/directory.js'
import { readPaperTable } from '../src/sweep/results/paper_table.js'
import { type GlueNano, glueNanoPage } from './glue_nano_page.js'
import { differences } from './intervals.js'
import { writeResults } from './plots.bench.js'

const [folder] = process.argv.slice(2)
if (!folder) throw new Error('Name the folder of the finished sweep glue-nano.')

const { groups, comparison, leftOut } = await readReport([folder])
if (leftOut.length > 0) throw new Error(leftOut.map(({ folder, reason }) => `${folder}: ${reason}`).join('\n'))
const foldersOf = (task: string) =>
  Object.fromEntries(
    groups
      .filter((group) => group.task === task)
      .map(({ method, finished }) => [method, finished.map((run) => run.folder)]),
  )
const tasks = unique(groups.map(({ task }) => task))
const [, , ...table] = formatPaperTable(await readPaperTable(folder), 'markdown').split('\n')
const { device } = JSON.parse(readFileSync(runFiles(groups[0]!.finished[0]!.folder).manifest, 'utf8'))
const results: GlueNano = {
  device,
  table: table.join('\n'),
  chances: comparison.tasks.map(({ name, metrics, chance }) => {
    const means = groups.filter(({ task }) => task === name).map((group) => summaryOf(group)!.score.mean)
    return { task: name, metrics, ...chance!, best: Math.max(...means) }
  }),
  differences: differences(tasks.map((task) => ({ where: task.replace('glue/', ''), runs: foldersOf(task) }))),
}
await writeResults('glue_nano', results, glueNanoPage(results))
