// Every method preset on t5-nano and Rotten Tomatoes: the learning rate searched the same way for each, then three
// seeds. Writes docs/results/methods.{json,md} and two plots.
//   npm run build && npx tsx bench/methods.bench.ts FOLDER [METHOD…]
// Runs stay in FOLDER and are not repeated: interrupted, it goes on where it was. With names it only trains those.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { presetFile, presetNames } from '../src/base/presets.js'
import { readYaml } from '../src/base/yaml/source.js'
import { LEARNT, type MethodResult, type MethodResults, methodsPage, type Run } from './methods_page.js'
import { writeResults } from './plots.bench.js'
import { compacter } from './sides.js'
import { trained, twoAtATime } from './trainings.js'

const [folder, ...only] = process.argv.slice(2)
if (!folder) throw new Error('Name the folder that the runs are in, or will be.')

/** Times the preset's own learning rate; where the best is the first or last of them, the search goes on. */
const FACTORS = [1, 3, 10]
const [LOWER, HIGHER] = [
  [0.3, 0.1, 0.03, 0.01],
  [30, 100],
]
const SEEDS = [42, 43, 44]
/** Of an accuracy of 70 % on 1,066 rows: a higher rate has to gain more than that. */
const STANDARD_ERROR = 1.4
const STEPS = 300
const SETTINGS = { batch_size: 16, group_by_length: true }

/** What a method needs beside the settings of all. */
interface Own {
  sets: Record<string, unknown>
  steps?: number
  factors?: number[]
}

/** With dropout, prompts guessed at every rate that was tried, after 900 steps too. */
const PROMPTS: Own = { sets: { 'training.dropout': 0 }, steps: 900, factors: [0.3, 1] }

/** t5-nano has four layers, where adapterdrop leaves the first five out. */
const OWN: Record<string, Own> = {
  adapterdrop: { sets: { 'method.placement.encoder_layers': '2-', 'method.placement.decoder_layers': '2-' } },
  'prompt-tuning-r': PROMPTS,
  'prompt-tuning-t': PROMPTS,
}

const stepsOf = (method: string) => OWN[method]?.steps ?? STEPS

/** Trains a method, unless that run is there. */
async function train(method: string, learning_rate: number, seed: number, steps = stepsOf(method)): Promise<Run> {
  const run = join(folder!, method, `${learning_rate}-${seed}${steps > STEPS ? `-${steps}` : ''}`)
  const lengths = { steps, warmup_steps: Math.floor(steps / 10), evaluate_every: Math.min(steps, STEPS) }
  const read = await trained(run, 'quickstart', {
    training: { ...SETTINGS, ...lengths, learning_rate, seed, keep: 'best' },
    others: { method, ...OWN[method]?.sets },
  })
  const { trained_parameters, share_percent, step_seconds, peak_memory_bytes } = read
  const [validation, test] = [read.validation.accuracy!, read.test.accuracy!]
  console.error(method, learning_rate, seed, validation, test)
  const cost = { trained_parameters, share_percent, step_seconds: step_seconds!, peak_memory_bytes }
  return { rate: learning_rate, seed, validation, test, ...cost }
}

/**
 * Searches the rate with the first seed, then trains with the others: the lowest rate whose validation accuracy is
 * within a standard error of the best. Lower rates are tried until one is worse than that, or while none has learnt
 * anything; higher ones while the highest is the best.
 */
async function measured(method: string): Promise<MethodResult> {
  const preset_rate = readYaml(presetFile('methods', method)!).learning_rate as number
  const rateOf = (factor: number) => Number((preset_rate * factor).toPrecision(2))
  const at = (factor: number) => train(method, rateOf(factor), SEEDS[0]!)
  const searched: Run[] = []
  for (const factor of OWN[method]?.factors ?? FACTORS) searched.push(await at(factor))
  const most = () => Math.max(...searched.map(({ validation }) => validation))
  const isGood = ({ validation }: Run) => validation > most() - STANDARD_ERROR
  const [lower, higher] = OWN[method]?.factors ? [[], []] : [LOWER, HIGHER]
  for (const factor of lower) if (isGood(searched[0]!) || most() < LEARNT) searched.unshift(await at(factor))
  for (const factor of higher)
    if (searched.at(-1)!.validation === most() && most() >= LEARNT) searched.push(await at(factor))
  const best = searched.find(isGood)!
  const runs = [best]
  for (const seed of SEEDS.slice(1)) runs.push(await train(method, best.rate, seed))
  const search = searched.map(({ rate, validation }) => ({ rate, validation }))
  return { method, preset_rate, steps: stepsOf(method), search, runs }
}

/** The backbone as it came: IA³ starts as nothing, and one step at this rate leaves it there. */
async function untrained(): Promise<MethodResults['untrained']> {
  const rate = 1e-30
  const { test } = await train('ia3', rate, SEEDS[0]!, 1)
  const run = join(folder!, 'ia3', `${rate}-${SEEDS[0]}`)
  const [program, ...args] = compacter('eval', run, '--scoring', 'rank', '--json')
  const printed = JSON.parse(execFileSync(program!, args).toString())
  return { generated: test, ranked: printed.runs[0].scores.accuracy }
}

const methods = await twoAtATime(only.length > 0 ? only : presetNames('methods'), measured)
if (only.length === 0) {
  const { method, runs } = methods[0]!
  const manifest = join(folder, method, `${runs[0]!.rate}-${SEEDS[0]}`, 'manifest.json')
  const { device } = JSON.parse(readFileSync(manifest, 'utf8'))
  const results: MethodResults = {
    settings: { ...SETTINGS, steps: STEPS },
    device,
    untrained: await untrained(),
    methods,
  }
  await writeResults('methods', results, methodsPage(results))
}
