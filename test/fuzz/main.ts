// npm run fuzz -- [--count 10000] [--seed 1] [--first 0] [--children 2] [--verbose]
// Mutates files that users are given by others and reads them as the commands do. Exits with 1 where one ends in an
// unexpected error or a crash, takes more than 10 s of processor time, or 1 GB beyond its size. --first and --count 1
// repeat one input.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Told } from './child.js'
import { kindOf } from './inputs.js'
import { fuzz } from './pool.js'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    verbose: { type: 'boolean' },
    children: { type: 'string', default: String(Math.min(8, availableParallelism())) },
  },
})
const [count, seed, first, children] = [values.count, values.seed, values.first, values.children].map(Number) as [
  number,
  number,
  number,
  number,
]
const started = Date.now()
const tally = new Map<string, number>()
const onInput = (done: number, index: number, told: Told | string) => {
  const outcome = `${kindOf(index)} ${typeof told === 'string' ? 'ended' : told.outcome}`
  tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
  if (values.verbose) console.log(index, outcome, typeof told === 'string' ? told : told.message)
  if (done % 500 === 0) console.error(`${done} of ${count}, ${Math.round((Date.now() - started) / 1000)} s`)
}
const { outcomes, failures, slowest, largest } = await fuzz({ seed, first, count, children, onInput })
for (const { index, kind, folder, why } of failures) console.log(`\n${index} (${kind}, ${folder}): ${why}`)
for (const [outcome, count] of [...tally].sort()) console.log(`${outcome}: ${count}`)
const tallied = `${outcomes.read} read, ${outcomes.refused} refused, ${failures.length} failed`
const memory = `${Math.round(largest.bytes / 2 ** 20)} MB`
console.log(`
${count} inputs of seed ${seed} from ${first} on: ${tallied}
slowest: input ${slowest.index}, ${slowest.seconds.toFixed(1)} s; most memory: input ${largest.index}, ${memory}`)
process.exit(failures.length === 0 ? 0 : 1)
