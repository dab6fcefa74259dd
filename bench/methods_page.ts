// The page docs/results/methods.md, from the figures of bench/methods.bench.ts.
import { quantile } from '../src/base/numbers/quantile.js'
import { spread } from '../src/run/compare/spread.js'

/** One training; accuracies in %. */
export interface Run {
  rate: number
  seed: number
  validation: number
  test: number
  trained_parameters: number
  share_percent: number
  step_seconds: number
  peak_memory_bytes: number
}

export interface MethodResult {
  method: string
  preset_rate: number
  steps: number
  /** Validation accuracy of the first seed at each rate that was tried. */
  search: { rate: number; validation: number }[]
  /** A run for each seed, at the best of these rates. */
  runs: Run[]
}

/** What docs/results/methods.json holds. */
export interface MethodResults {
  settings: { steps: number; batch_size: number }
  device: string
  /** Test accuracy of the backbone as it came: of what it generates, and of the likelier of the two labels. */
  untrained: { generated: number; ranked: number }
  methods: MethodResult[]
}

export const meanTest = ({ runs }: MethodResult): number => spread(runs.map(({ test }) => test)).mean

function scoreOf(values: number[]): string {
  const { mean, std } = spread(values)
  return `${mean.toFixed(1)} ± ${std!.toFixed(1)}`
}

function row({ method, preset_rate, search, runs }: MethodResult): string {
  const { trained_parameters, share_percent, rate } = runs[0]!
  const tried = search.map((one) => `${one.rate}: ${one.validation.toFixed(1)}`).join(', ')
  const cells = [
    method,
    scoreOf(runs.map(({ test }) => test)),
    scoreOf(runs.map(({ validation }) => validation)),
    trained_parameters.toLocaleString('en'),
    `${share_percent.toPrecision(3)} %`,
    rate === preset_rate ? `${rate}` : `**${rate}** (preset: ${preset_rate})`,
    tried,
  ]
  return `| ${cells.join(' | ')} |`
}

/** Two standard errors above chance. */
export const LEARNT = 53

/** Says which methods do no better than a guess, so that nobody reads their rows as what they can do. */
function unlearnt(methods: readonly MethodResult[]): string {
  const guessing = methods.filter((method) => meanTest(method) < LEARNT).map(({ method }) => method)
  return guessing.length > 0 ? `${guessing.join(', ')}: nothing learnt at any rate, a guess.\n` : ''
}

/** Returns the page, best method first. */
export function methodsPage({ settings, device, untrained, methods }: MethodResults): string {
  const sorted = methods.toSorted((a, b) => meanTest(b) - meanTest(a))
  const median = quantile(
    methods.map(({ runs }) => spread(runs.map(({ test }) => test)).std!),
    0.5,
  )
  const seeds = methods[0]!.runs.map(({ seed }) => seed).join(', ')
  return `# All methods, measured

\`npx tsx bench/methods.bench.ts FOLDER\`: every preset on t5-nano and Rotten Tomatoes, ${settings.steps} steps of
${settings.batch_size} rows, seeds ${seeds}. ${device}.

The paper's learning rates are for t5-base and thousands of steps. Here each method was trained at its preset's rate,
three times and ten times that, with the first seed; at lower ones, down to a hundredth, until one was worse than the
best by more than 1.4 points (one standard error on 1,066 rows), and at higher ones, up to a hundred times, while the
highest was the best. The lowest rate within 1.4 points of the best was taken for the other seeds. Rates that are not
the preset's are bold, and all that were tried are in the last column with their validation accuracy. A random subspace
moves all weights at once, each by a share that falls with their number: on 9 million weights the intrinsic methods need
a tenth of the rate that suits the 223 million of t5-base. Scores are accuracies in %, mean ± standard deviation over
the seeds; the test rows (1,066) had no part in any choice. The target is the text \`0\` or \`1\`, which the backbone
has to learn to say.

Prompts were trained for 900 steps and without dropout, at a third of their preset's rate and at that. With the
backbone's dropout of 0.1, as for all others, they guessed (50 %) after 300 steps at these rates and after 900 at lower
ones: a prompt changes little in a small backbone (arXiv 2104.08691, figure 1), and dropout seems to hide it.

| method | test | validation | trained parameters | share | rate | search |
|---|---|---|---|---|---|---|
${sorted.map(row).join('\n')}
| untrained | ${untrained.generated.toFixed(1)} generated, ${untrained.ranked.toFixed(1)} ranked | | 0 | | | |
| majority class | 50.0 | 50.0 | 0 | | | |

${unlearnt(sorted)}
The median deviation over seeds is ${median.toFixed(1)}, and with 1,066 rows an accuracy of 70 % has a standard error of
1.4: methods that are two or three points apart cannot be told apart here. t5-nano has four layers: adapterdrop leaves
out the first two of each stack, not five. Time and memory of a step: [benchmarks.md](../benchmarks.md).

![test accuracy against parameters](methods-scatter.svg)

![test accuracy](methods-bars.svg)

\`npx tsx bench/plots.bench.ts\` draws the plots of this folder anew, of the figures beside them.
`
}
