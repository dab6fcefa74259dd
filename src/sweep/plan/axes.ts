import { MersenneTwister } from '../../base/numbers/random.js'
import { isMapping, type Mapping } from '../../base/yaml/merge.js'
import type { Path } from '../../base/yaml/source.js'
import type { Fault } from '../../experiment/wording.js'
import { type Assigned, type Assignment, applyRules, KEEP_ONE, replacing } from './rules.js'
import type { Range, Sweep } from './schema.js'

/** The most cells of one sweep; more is a mistake in the file. */
const MOST_CELLS = 10_000
/** Attempts per cell to draw one that has not been drawn before. */
const TRIES = 100

/** Returns the cells of a sweep as assignments, in the order in which they run. Problems go into `faults`. */
export function expandAxes(sweep: Sweep, faults: Fault[]): Assigned[] {
  const cells = applyRules(sweep, listed(sweep, faults), faults)
  if (cells.length <= MOST_CELLS) return cells
  faults.push({
    path: ['rules'],
    problem: `With rules there are ${tooMany(cells.length)}`,
    remedy: 'Give fewer values.',
  })
  return []
}

function listed(sweep: Sweep, faults: Fault[]): Assignment[][] {
  if (sweep.axes) return grid(sweep.axes, faults)
  if (sweep.cells) return sweep.cells.map((cell, i) => assigned(cell, ['cells', i]))
  return drawn(sweep.draws!, faults)
}

const tooMany = (count: number) =>
  `${count.toLocaleString('en')} cells; a sweep has at most ${MOST_CELLS.toLocaleString('en')}.`

/** Returns every combination of values; the first key changes slowest. */
function grid(axes: Record<string, unknown[]>, faults: Fault[]): Assignment[][] {
  const count = Object.values(axes).reduce((product, values) => product * values.length, 1)
  if (count > MOST_CELLS) {
    faults.push({ path: ['axes'], problem: `axes makes ${tooMany(count)}`, remedy: 'Draw some of them with draws.' })
    return []
  }
  return Object.entries(axes).reduce<Assignment[][]>(
    (cells, [key, values]) =>
      cells.flatMap((cell) => values.map((value, i) => [...cell, { key, value, at: ['axes', key, i] }])),
    [[]],
  )
}

const assigned = (cell: Mapping, at: Path): Assignment[] =>
  Object.entries(cell).map(([key, value]) => ({ key, value, at: [...at, key] }))

function drawn({ count, seed, values }: NonNullable<Sweep['draws']>, faults: Fault[]): Assignment[][] {
  const generator = new MersenneTwister(seed)
  const cells = new Map<string, Assignment[]>()
  for (let tries = 0; cells.size < count && tries < count * TRIES; tries++) {
    const cell = Object.entries(values).map(([key, from]) => drawOne(key, from, generator))
    const same = JSON.stringify(cell.map(({ value }) => value))
    if (!cells.has(same)) cells.set(same, cell)
  }
  if (cells.size < count) {
    const problem = `draws.count is ${count}; only ${cells.size} different cells came out.`
    faults.push({ path: ['draws', 'count'], problem, remedy: 'List all of them with axes, or widen the values.' })
  }
  return [...cells.values()]
}

function drawOne(key: string, from: unknown[] | Range, generator: MersenneTwister): Assignment {
  const at = ['draws', 'values', key]
  if (!Array.isArray(from)) return { key, value: inRange(from, generator.uniform()), at }
  const choice = Math.floor(generator.uniform() * from.length)
  return { key, value: from[choice], at: [...at, choice] }
}

/** Rounds to three digits, which are enough: the last bits of exp and log differ between machines. */
function inRange({ min, max, scale, integer }: Range, uniform: number): number {
  if (integer && scale === 'linear') return min + Math.floor(uniform * (max - min + 1))
  const value =
    scale === 'log' ? Math.exp(Math.log(min) + uniform * (Math.log(max) - Math.log(min))) : min + uniform * (max - min)
  const rounded = integer ? Math.round(value) : Number(value.toPrecision(3))
  return Math.min(max, Math.max(min, rounded))
}

/** Returns the faults of a sweep file that the schema can't express. */
export function sweepFaults(sweep: Sweep): Fault[] {
  return [...listingFaults(sweep), ...keyFaults(sweep), ...rangeFaults(sweep)]
}

function listingFaults({ axes, cells, draws }: Sweep): Fault[] {
  const given = Object.entries({ axes, cells, draws }).flatMap(([name, value]) => (value === undefined ? [] : name))
  if (given.length === 0)
    return [{ path: [], problem: 'A sweep has neither axes nor cells nor draws.', remedy: 'Needed: one of the three.' }]
  if (given.length > 1) {
    const problem = `A sweep has ${given.join(' and ')}.`
    return [{ path: [given[1]!], problem, remedy: 'Keep one of them.' }]
  }
  const empty = { axes: axes ?? { any: [] }, 'draws.values': draws?.values ?? { any: [] } }
  return Object.entries(empty)
    .filter(([, keys]) => Object.keys(keys).length === 0)
    .map(([name]) => ({ path: name.split('.'), problem: `${name} is empty.`, remedy: 'Needed: a key and its values.' }))
}

/**
 * Refuses keys that name nothing (`method..n`), and keys both in `set` and an axis, which tables would show wrongly.
 */
function keyFaults(sweep: Sweep): Fault[] {
  const axes = axisKeys(sweep)
  const places: [Path, string[]][] = [
    [['set'], Object.keys(sweep.set)],
    [['axes'], Object.keys(sweep.axes ?? {})],
    [['draws', 'values'], Object.keys(sweep.draws?.values ?? {})],
    ...(sweep.cells ?? []).map((cell, i): [Path, string[]] => [['cells', i], Object.keys(cell)]),
    ...(sweep.rules ?? []).flatMap(({ set, axes = {} }, i): [Path, string[]][] => [
      [['rules', i, 'set'], Object.keys(set)],
      [['rules', i, 'axes'], Object.keys(axes)],
    ]),
  ]
  const malformed = places.flatMap(([path, keys]) =>
    keys
      .filter((key) => key.split('.').includes(''))
      .map((key) => ({
        path: [...path, key],
        problem: `${path.join('.')} has the key ${JSON.stringify(key)}; it must be a key of an experiment.`,
        remedy: 'For instance method.n.',
      })),
  )
  const replaced = Object.entries(sweep.set).flatMap(([key, value]) => {
    const axis = replacing(key, value, axes)
    if (axis === undefined) return []
    return [{ path: ['set', key], problem: `set.${key} is replaced by the values of ${axis}.`, remedy: KEEP_ONE }]
  })
  return [...malformed, ...replaced]
}

function rangeFaults({ draws }: Sweep): Fault[] {
  return Object.entries(draws?.values ?? {}).flatMap(([key, range]): Fault[] => {
    if (!isMapping(range)) return []
    const { min, max, scale, integer } = range
    const path = ['draws', 'values', key]
    const of = `draws.values.${key}`
    if (min >= max) return [{ path, problem: `${of} is from ${min} to ${max}; min must be below max.` }]
    if (scale === 'log' && min <= 0)
      return [{ path: [...path, 'min'], problem: `${of}.min is ${min}; on a logarithmic scale it must be above 0.` }]
    if (integer && !(Number.isInteger(min) && Number.isInteger(max)))
      return [{ path, problem: `${of} is from ${min} to ${max}; of whole numbers both must be whole.` }]
    return []
  })
}

/** Returns the keys whose values distinguish the cells, in the order of the file. */
export function axisKeys({ axes, cells, draws, rules = [] }: Sweep): string[] {
  const own = cells ?? [axes ?? draws?.values ?? {}]
  return [...new Set([...own, ...rules.map(({ axes: added = {} }) => added)].flatMap(Object.keys))]
}
