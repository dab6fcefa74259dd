import { duration } from '../../cli/terminal.js'
import { experimentYaml } from '../../experiment/load/load.js'
import { unique } from '../../run/compare/groups.js'
import type { ReportRun } from '../../run/compare/read_run.js'
import { shownScore } from '../../run/compare/spread.js'
import type { Environment, ImportedFrom } from '../../run/records.js'
import { taskScore } from '../../task/metrics/direction.js'
import type { Report } from '../report.js'
import { table } from './figure.js'
import { html, type Markup } from './html.js'

/** Shows every run, what it was made with, and every value in force. */
export function trained(report: Report): Markup {
  return html`${runTable(report)}
<h3>Environment</h3>
${environments(report)}
<h3>Experiments</h3>
<p class="note">Every value in force, of one run each; others of the group differ in seeds only.</p>
${report.groups.map(
  ({ method, task, runs }) => html`<details><summary>${method} <span class="tag">${task}</span></summary>
<pre><code>${experimentYaml(runs[0]!.experiment)}</code></pre></details>\n`,
)}`
}

function runTable({ groups, names }: Report): Markup {
  const head = ['run', 'method', 'task', 'seed', 'trained', 'steps', 'best step', 'validation', 'test', 'time']
  const rows = groups.flatMap(({ method, task, runs }) =>
    runs.map((run) => [names.get(run)!, method, task, seeds(run), ...reached(run)]),
  )
  return table('Runs', head, rows, { numeric: new Set([4, 5, 6, 7, 8, 9]) })
}

/** A subset's seed chooses its rows, the training seed everything else. That of an imported run is not known. */
function seeds({ experiment: { task, training }, environment }: ReportRun): string {
  const seed = environment?.imported ? '–' : String(training.seed)
  return task.subset ? `${seed}, rows ${task.subset.seed}` : seed
}

function reached({ result, steps, environment }: ReportRun): string[] {
  const whole = (value: number | undefined) => value?.toLocaleString('en') ?? '–'
  if (!result) {
    const state = environment?.imported ? `imported (${environment.imported.format})` : 'not finished'
    return [whole(environment?.trained_parameters), whole(steps.at(-1)?.step), '–', '–', state, '–']
  }
  const score = (split: 'validation' | 'test') => shownScore(taskScore(result[split]))
  return [
    whole(result.trained_parameters),
    whole(result.steps),
    whole(result.best_step),
    score('validation'),
    score('test'),
    duration(result.seconds),
  ]
}

/** Shows what runs were made with, once for all runs that are the same in this. */
function environments({ runs, names }: Report): Markup {
  const by = new Map<string, ReportRun[]>()
  for (const run of runs.filter(({ environment }) => environment)) {
    const key = JSON.stringify(facts(run.environment!, run))
    by.set(key, [...(by.get(key) ?? []), run])
  }
  if (by.size === 0) return html`<p>No run has a manifest.</p>`
  return html`${[...by.values()].map((same) => {
    const [first] = same
    const which = same.length === runs.length ? 'All runs' : same.map((run) => names.get(run)!).join(', ')
    const items = facts(first!.environment!, first!)
    return html`<div class="facts"><h4>${which}</h4><dl>
${items.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl></div>
`
  })}`
}

function facts(environment: Environment, { experiment }: ReportRun): [string, string][] {
  const { compacter, git_commit, node, platform, tfjs, imported } = environment
  return [
    ['backbone', `${experiment.backbone.name}, ${environment.backbone_parameters.toLocaleString('en')} parameters`],
    ['weights', environment.backbone_sha256 ? `SHA-256 ${environment.backbone_sha256.slice(0, 12)}` : 'not noted'],
    ['data', [experiment.task.name, ...dataHashes(environment)].join('; SHA-256: ')],
    ...(imported ? importedFacts(imported) : trainingFacts(environment)),
    ['compacter', git_commit ? `${compacter}, commit ${git_commit.slice(0, 12)}` : compacter],
    ['Node, tfjs', `${[node, tfjs].filter(Boolean).join(', ')}; ${platform}`],
  ]
}

function dataHashes({ data_sha256 }: Environment): string[] {
  const hashes = unique(Object.entries(data_sha256).map(([split, hash]) => `${split} ${hash.slice(0, 12)}`))
  return hashes.length > 0 ? [hashes.join(', ')] : []
}

const trainingFacts = ({ device, engine_mode, precision }: Environment): [string, string][] => [
  ['device', device ?? 'not noted'],
  ['steps', [engine_mode, precision].filter(Boolean).join(', ') || 'not noted'],
]

const importedFacts = ({ format, folder }: ImportedFrom): [string, string][] => [
  ['imported from', `${folder} (${format})`],
  ['training', 'not known here; of the values under training, scoring and lengths alone count'],
]

/** Lists folders that are shown only in part, or not at all, and why. */
export function leftOut({ leftOut }: Report): Markup {
  return html`<ul class="left-out">
${leftOut.map(({ folder, reason }) => html`<li><code>${folder}</code> ${reason}</li>\n`)}</ul>
`
}
