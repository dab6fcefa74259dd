// The page docs/results/glue_nano.md, from the figures of bench/glue_nano.bench.ts.
import { shownScore } from '../src/run/compare/spread.js'
import { type Difference, differencesTable, verdicts } from './intervals.js'

/** What docs/results/glue_nano.json holds. */
export interface GlueNano {
  device: string
  /** Markdown: what `sweep results --table paper` prints. */
  table: string
  /** The score of a guess on test, and how it is guessed; the best mean score of a method. */
  chances: { task: string; metrics: string[]; test: number; text: string; best: number }[]
  differences: Difference[]
}

/** A method that is not so much above a guess has hardly learnt. */
const LEARNT = 5

function whatWasLearnt(chances: GlueNano['chances']): string {
  const hardly = chances.filter(({ best, test }) => best < test + LEARNT).map(({ task }) => task)
  if (hardly.length === 0) return `Every task has a method ${LEARNT} points above a guess.`
  return `**No method is ${LEARNT} points above a guess on ${hardly.join(', ')}: so short a training of so small a model
hardly learns these tasks, and equal scores there do not show that the methods are equally good.**`
}

/** Returns the page. */
export function glueNanoPage({ device, table, chances, differences }: GlueNano): string {
  const guesses = chances.map(({ task, metrics, test, text }) => {
    return `- ${task} (${metrics.join(', ')}): ${shownScore(test)}, ${text}`
  })
  return `# GLUE on t5-nano, measured

\`\`\`sh
compacter sweep run glue-nano --jobs 2 --set task.path=GLUE
compacter sweep results runs/glue-nano --table paper
npx tsx bench/glue_nano.bench.ts runs/glue-nano          # this page
\`\`\`

The shape of the paper's Table 1: four methods on five tasks of GLUE, three seeds, 300 steps of 16 rows on t5-nano
(9.4 million parameters; the paper: t5-base, 3 to 20 epochs). Learning rates were searched on Rotten Tomatoes
([methods.md](methods.md)), not for each task. ${device}.

${table}

What a guess scores on test, the mean of the task's metrics:

${guesses.join('\n')}

${whatWasLearnt(chances)}

## Differences

Against full fine-tuning, intervals over rows and seeds ([compare.md](../compare.md)); p is corrected by Holm over all
${differences.length} comparisons, and bold differences are claimed. Three seeds and 139 to 872 rows tell only large
differences apart.

${differencesTable(differences, 'task')}

${verdicts(differences)}

![differences to full fine-tuning](glue_nano.svg)
`
}
