import { codeSpan, escapeMarkdown } from '../base/text/markdown.js'
import type { Card } from '../run/card.js'
import { unitsOf } from '../task/metrics/direction.js'

/**
 * Returns the README.md of an export: what it is, and how to load it (`loading` is Markdown). Names and texts of the
 * run are escaped.
 */
export function readme(card: Card, loading: string): string {
  const { experiment, backbone, method, metrics } = card
  const scores = Object.entries(metrics ?? {}).map(
    ([split, values]) =>
      `| ${escapeMarkdown(split)} | ${Object.entries(values)
        .map(([name, value]) => `${escapeMarkdown(name)} ${value.toFixed(2)}`)
        .join(', ')} |`,
  )
  const units = unitsOf(Object.values(metrics ?? {}).flatMap(Object.keys))
  return `# ${escapeMarkdown(experiment.name)}

Trained by compacter ${card.compacter}: ${card.trained_parameters.toLocaleString('en')} parameters of the method
${codeSpan(method.kind)} on the backbone ${codeSpan(backbone.name)} (SHA-256 of its weights: \`${backbone.sha256}\`),
for the task ${codeSpan(card.task)}. All values in force are in \`compacter.json\`.
${scores.length > 0 ? `\n| split | scores ${units} |\n|---|---|\n${scores.join('\n')}\n` : ''}
Sources were written as: ${codeSpan(experiment.task.prompt)}

## Loading

${loading}`
}
