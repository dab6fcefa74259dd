import { codeSpan, escapeMarkdown } from '../../base/text/markdown.js'
import { methodName } from '../../experiment/method_name.js'
import type { Card } from '../../run/card.js'
import { isEncoded } from '../../task/encoded.js'
import { writtenAs } from '../../task/example.js'
import { unitsOf } from '../../task/metrics/direction.js'
import { frontMatter } from './front_matter.js'

/**
 * Returns the README.md of an export: the hub's metadata, what it is, and how to load it (`loading` is Markdown). Names
 * and texts of the run are escaped.
 */
export function readme(card: Card, loading: string): string {
  const { experiment, backbone, metrics } = card
  const scores = Object.entries(metrics ?? {}).map(
    ([split, values]) =>
      `| ${escapeMarkdown(split)} | ${Object.entries(values)
        .map(([name, value]) => `${escapeMarkdown(name)} ${value.toFixed(2)}`)
        .join(', ')} |`,
  )
  const ranked =
    experiment.training.scoring === 'rank' && !isEncoded(experiment.task)
      ? '\nThe scores are of the likeliest label of each row, whatever the model would generate.\n'
      : ''
  const parameters = card.trained_parameters.toLocaleString('en')
  const units = unitsOf(Object.values(metrics ?? {}).flatMap(Object.keys))
  return `${frontMatter(card)}# ${escapeMarkdown(experiment.name)}

Trained by compacter ${card.compacter}: ${parameters} parameters of the method
${codeSpan(methodName(experiment.method))} on the backbone ${codeSpan(backbone.name)} (SHA-256 of its
weights: \`${backbone.sha256}\`),
for the task ${codeSpan(card.task)}. All values in force are in \`compacter.json\`.
${scores.length > 0 ? `\n| split | scores ${units} |\n|---|---|\n${scores.join('\n')}\n${ranked}` : ''}
Sources were written as: ${writtenAs(experiment.task).map(codeSpan).join(', and ')}

## Loading

${loading}`
}
