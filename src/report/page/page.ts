import { counted } from '../../base/text/counted.js'
import { unique } from '../../run/compare/groups.js'
import type { Report } from '../report.js'
import { averages } from './averages.js'
import { curves } from './curves.js'
import { differences } from './differences.js'
import { efficiency } from './efficiency.js'
import { html, Markup } from './html.js'
import { lowResource } from './low_resource.js'
import { predicted } from './predictions.js'
import { results, scatters } from './results.js'
import { leftOut, trained } from './runs.js'
import { STYLE } from './style.js'

interface Section {
  id: string
  title: string
  body: Markup
}

/** Returns a page that needs nothing else: no script, no font, no image, no network; its policy forbids them. */
export async function reportPage(report: Report, { version, date }: { version: string; date: Date }): Promise<string> {
  const sections = await sectionsOf(report)
  const day = date.toISOString().slice(0, 10)
  const title = titleOf(report)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="compacter ${version}">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="lead">${leadOf(report)}</p>
<nav aria-label="Sections"><ul>
${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
</header>
<main>
${sections.map(
  ({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${title}</h2>
${body}</section>\n`,
)}</main>
<footer><p>Written by compacter ${version} on ${day}.</p></footer>
</body>
</html>
`.text
}

/** Returns the sections with content, in reading order: results, then how they were reached, then what was used. */
async function sectionsOf(report: Report): Promise<Section[]> {
  const section = (id: string, title: string, body: Markup | undefined): Section[] =>
    body ? [{ id, title, body }] : []
  return [
    ...section('results', 'Results', results(report)),
    ...section(
      'parameters',
      'Score against trained parameters',
      charts([...(await averages(report)), ...(await scatters(report))]),
    ),
    ...section('differences', 'Differences', charts(await differences(report))),
    ...section('low-resource', 'Score against training rows', charts(await lowResource(report))),
    ...section('training', 'Training', charts(await curves(report))),
    ...section('efficiency', 'Time and memory', efficiency(report)),
    ...section('predictions', 'Predictions', await predicted(report)),
    ...section('runs', 'What was trained', trained(report)),
    ...section('left-out', 'Left out', report.leftOut.length > 0 ? leftOut(report) : undefined),
  ]
}

const charts = (figures: Markup[]): Markup | undefined =>
  figures.length > 0 ? html`<div class="charts">\n${figures}</div>\n` : undefined

function titleOf({ methods, groups }: Report): string {
  const tasks = unique(groups.flatMap(({ runs }) => runs.map(({ experiment }) => experiment.task.name)))
  const named = unique(groups.map(({ parts }) => parts[0]!))
  const settings = named.length === 1 ? `${methods.length} settings of ${named[0]}` : `${methods.length} settings`
  const first = named.length === methods.length ? `${methods.length} methods` : settings
  return `${methods.length === 1 ? methods[0]! : first} on ${tasks.length === 1 ? tasks[0] : `${tasks.length} tasks`}`
}

function leadOf({ runs }: Report): string {
  const backbones = unique(runs.map(({ experiment }) => experiment.backbone.name))
  const without = runs.filter(({ result }) => !result)
  const imported = without.filter(({ environment }) => environment?.imported).length
  const told = (count: number, what: string) => (count > 0 ? [`${count} ${what}`] : [])
  const parts = [
    counted(runs.length, 'run'),
    ...told(without.length - imported, 'not finished'),
    ...told(imported, 'imported'),
  ]
  return `${parts.join(', ')} of ${backbones.join(', ')}.`
}
