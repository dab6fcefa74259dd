// Draws docs/results/*.svg anew of the figures beside them, without training anything.
//   npx tsx bench/plots.bench.ts
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/base/root.js'
import { barPlot, curvePlot, forestPlot, type MethodPoint, type PlotLabels, scatterPlot } from '../src/report/plots.js'
import type { LowResourceResults } from '../src/sweep/run/low_resource.js'
import type { GlueNano } from './glue_nano_page.js'
import { estimates } from './intervals.js'
import { type LowResource, lowResourcePlot } from './low_resource_page.js'
import { type MethodResults, meanTest } from './methods_page.js'

const folder = join(packageRoot, 'docs', 'results')
const json = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8'))

const measured = (name: string) => existsSync(join(folder, name))

/** The drawings by the names of their files, of what has been measured. */
export async function plots(): Promise<Record<string, string>> {
  const { settings, methods } = json<MethodResults>('methods.json')
  const points = methods.map(
    (each): MethodPoint => ({ method: each.method, share: each.runs[0]!.share_percent, score: meanTest(each) }),
  )
  const labels: PlotLabels = {
    score: 'test accuracy, %, mean of three seeds',
    title: `t5-nano on Rotten Tomatoes, ${settings.steps} steps of ${settings.batch_size} rows`,
    chance: chance('test'),
  }
  return {
    'methods-scatter.svg': await scatterPlot(points, labels),
    'methods-bars.svg': await barPlot(points, labels),
    'low_resource_grid.svg': await curvePlot({
      ...json<LowResourceResults>('low_resource_grid.json'),
      chance: chance('test'),
    }),
    ...(measured('low_resource.json') && {
      'low_resource.svg': await lowResourcePlot(json<LowResource>('low_resource.json')),
    }),
    ...(measured('glue_nano.json') && {
      'glue_nano.svg': await forestPlot(
        estimates(json<GlueNano>('glue_nano.json').differences),
        't5-nano on GLUE, 300 steps of 16 rows',
        'difference to full fine-tuning, 95 % intervals; filled: claimed',
      ),
    }),
  }
}

/** Of Rotten Tomatoes: the accuracy of the commonest label of its training rows. */
function chance(split: 'validation' | 'test'): { score: number; text: string } {
  const labels = (name: string) =>
    readFileSync(join(packageRoot, `configs/tasks/rotten-tomatoes/${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => String(JSON.parse(line).label))
  const count = (all: string[], label: string) => all.filter((one) => one === label).length
  const train = labels('train')
  const [guess] = [...new Set(train)].sort((a, b) => count(train, b) - count(train, a))
  const rows = labels(split)
  return { score: (100 * count(rows, guess!)) / rows.length, text: `always ${guess}, the commonest label in training` }
}

/** Writes a page of docs/results, the figures that it is made of, and the plots of all. */
export async function writeResults(name: string, results: object, page: string): Promise<void> {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(folder, `${name}.md`), page)
  await writePlots()
}

async function writePlots(): Promise<void> {
  for (const [name, drawing] of Object.entries(await plots())) writeFileSync(join(folder, name), drawing)
}

if (process.argv[1]?.endsWith('plots.bench.ts')) await writePlots()
