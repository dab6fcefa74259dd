import type { Card } from './card.js'

/** The README.md of an export: what it is, and how it is loaded. */
export function readme(card: Card, loading: string): string {
  const { experiment, backbone, method, metrics } = card
  const scores = Object.entries(metrics ?? {}).map(
    ([split, values]) =>
      `| ${split} | ${Object.entries(values)
        .map(([name, value]) => `${name} ${value.toFixed(2)}`)
        .join(', ')} |`,
  )
  return `# ${experiment.name}

Trained by compacter ${card.compacter}: ${card.trained_parameters.toLocaleString('en')} parameters of the method
\`${method.kind}\` on the backbone \`${backbone.name}\` (SHA-256 of its weights: \`${backbone.sha256}\`), for the task
\`${card.task}\`. Everything that was in force is in \`compacter.json\`.
${scores.length > 0 ? `\n| split | scores × 100 |\n|---|---|\n${scores.join('\n')}\n` : ''}
Sources were written as: \`${experiment.task.prompt}\`

## Loading

${loading}`
}
