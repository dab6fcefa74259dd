import { basename } from 'node:path'
import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import { duration } from '../../cli/terminal.js'
import type { Scores } from '../../run/directory.js'
import type { Listed } from '../../runs/listed.js'
import { drawTable } from './table.js'

/** Returns a line for each run; below the table why some are broken. `where` are the values that were asked for. */
export function runsTable(runs: readonly Listed[], where: readonly string[] = []): string {
  if (runs.length === 0) return `No run here has ${where.join(' and ')}.`
  const named = runs.some(({ folder, name }) => name !== undefined && name !== basename(folder))
  const columns = [
    { head: 'run' },
    ...(named ? [{ head: 'name', importance: 1 }] : []),
    { head: 'method', importance: 8 },
    { head: 'backbone', importance: 2 },
    { head: 'task', importance: 6 },
    { head: 'validation', importance: 9 },
    { head: 'test', importance: 7 },
    { head: 'steps', right: true, importance: 4 },
    { head: 'time', right: true, importance: 3 },
    { head: 'size', right: true, importance: 5 },
    { head: 'state' },
  ]
  const rows = runs.map((run) => [
    run.folder,
    ...(named ? [run.name ?? NONE] : []),
    run.method ?? NONE,
    run.backbone ?? NONE,
    run.task ?? NONE,
    shownScores(run.validation),
    shownScores(run.test),
    run.steps?.toLocaleString('en') ?? NONE,
    run.seconds === undefined ? NONE : duration(run.seconds),
    byteSize(run.bytes),
    run.state,
  ])
  return [drawTable(columns, rows), summary(runs), ...reasons(runs)].join('\n')
}

const NONE = '–'

const shownScores = (scores: Scores | undefined): string =>
  scores
    ? Object.entries(scores)
        .map(([metric, score]) => `${metric} ${score.toFixed(2)}`)
        .join(', ')
    : NONE

function summary(runs: readonly Listed[]): string {
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0)
  return `${counted(runs.length, 'run')}, ${byteSize(bytes)}.`
}

const reasons = (runs: readonly Listed[]): string[] =>
  runs.flatMap(({ folder, reason }) => (reason === undefined ? [] : [`${folder}: ${reason}`]))
