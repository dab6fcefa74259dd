import { z } from 'zod'
import { isExperimentText } from '../../experiment/schema.js'
import { takesText } from '../../experiment/schema_walk.js'

/**
 * A value of an `#SBATCH` line, without anything that ends the value or the line: what follows would be another option
 * or a command.
 */
const word = z
  .string()
  .regex(/^[\w.,:@%+=/-]+$/, { error: 'must be one word of letters, digits and any of . , : @ % + = / - and _.' })

/** Options of `sbatch`; the cluster decides on those that are left out. */
const slurmOptions = z.strictObject({
  partition: word.optional().describe('Partition (queue) that the cells go to.'),
  account: word.optional().describe('Account that is charged.'),
  time: word.optional().describe('Time limit of a cell, as sbatch takes it: 30, 2:00:00, 1-12:00:00.'),
  gpus: z.int().min(0).optional().describe('GPUs of a cell.'),
  memory: word.optional().describe('Memory of a cell, as sbatch takes it: 8G.'),
  cpus: z.int().min(1).optional().describe('CPU cores of a cell; it computes with as many threads.'),
  ranks: z
    .int()
    .min(1)
    .optional()
    .describe('Processes that share each step of a cell over MPI (docs/mpi.md); cpus are per process.'),
  lines: z
    .array(z.string().regex(/^[^\r\n]+$/, { error: 'must be one line. Give each line as an entry of its own.' }))
    .optional()
    .describe('Further lines of the batch script, before the cell starts: #SBATCH lines first, then commands.'),
})
export type SlurmOptions = z.infer<typeof slurmOptions>

/** A dotted key of an experiment: `method.n`. */
const key = z.string()

const range = z.strictObject({
  min: z.number().describe('Smallest value.'),
  max: z.number().describe('Largest value.'),
  scale: z.enum(['linear', 'log']).default('linear').describe('What is uniform: the value, or its logarithm.'),
  integer: z.boolean().default(false).describe('Whether values are whole numbers.'),
})
export type Range = z.infer<typeof range>

const choices = z.array(z.unknown()).min(1)

const draws = z.strictObject({
  count: z.int().min(1).describe('Cells that are drawn; no two are the same.'),
  seed: z.int().min(0).max(0xffffffff).default(0).describe('The same seed draws the same cells, on every machine.'),
  values: z
    .record(key, z.union([choices, range], { error: 'must be a list of choices, or a range with min and max.' }))
    .describe('By key, a list of choices or a range, { min, max, scale: linear | log, integer }.'),
})

const rule = z.strictObject({
  when: z
    .record(key, choices)
    .describe('By key of an axis, values: the rule is for cells that have one of them, of every key.'),
  set: z.record(key, z.unknown()).default({}).describe('Values of the experiment for these cells, by dotted key.'),
  axes: z
    .record(key, choices)
    .optional()
    .describe('By key, a list of values: every combination is a cell in place of each of these.'),
})
export type Rule = z.infer<typeof rule>

/** A sweep file, as written. */
export const sweepSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, { error: 'must be letters, digits, dots, dashes and underscores.' })
    .optional()
    .describe("Names the sweep's folder; default: the file's name."),
  experiment: z
    .string()
    .min(1)
    .describe('Experiment file, relative to the folder of this one, or the name of a shipped one.'),
  set: z.record(key, z.unknown()).default({}).describe('Values of the experiment, for every cell, by dotted key.'),
  axes: z.record(key, choices).optional().describe('By key, a list of values: every combination is a cell.'),
  cells: z.array(z.record(key, z.unknown())).min(1).optional().describe('Cells one by one: values by key.'),
  draws: draws.optional().describe('Cells drawn at random.'),
  rules: z.array(rule).min(1).optional().describe('What some of the cells have besides, applied in order.'),
  misfits: z
    .enum(['refuse', 'skip'])
    .optional()
    .describe("What becomes of cells whose method does not fit the backbone's dimensions; default: refuse the sweep."),
  slurm: slurmOptions.prefault({}).describe('What --on slurm asks the scheduler for.'),
})
export type Sweep = z.infer<typeof sweepSchema>

/** Whether any text is allowed at a path of a sweep file: values follow the rules of the experiment. */
export function isSweepText(path: readonly PropertyKey[]): boolean {
  const [section, ...rest] = path
  if (section === 'rules' && rest.length > 1) return isRuleText(rest.slice(1), path)
  const from = { set: 0, axes: 0, cells: 1, draws: 1 }[String(section)]
  if (from === undefined || rest.length <= from) return takesText(sweepSchema, path)
  const [key, ...inside] = rest.slice(from)
  const listed = section === 'axes' || section === 'draws'
  return isExperimentText([...String(key).split('.'), ...(listed ? inside.slice(1) : inside)])
}

function isRuleText([section, key, ...inside]: readonly PropertyKey[], path: readonly PropertyKey[]): boolean {
  if (key === undefined) return takesText(sweepSchema, path)
  return isExperimentText([...String(key).split('.'), ...(section === 'set' ? inside : inside.slice(1))])
}
