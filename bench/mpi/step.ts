// One process or rank of speed.ts: BACKBONE ROWS STEPS [mpi]; rank 0 prints the milliseconds of each step, as JSON.

import { select } from '../../src/count/selection.js'
import { openMpi } from '../../src/engine/cluster/mpi.js'
import { alone, startRanks } from '../../src/engine/cluster/ranks.js'
import { measure } from '../../src/measure/measure.js'

const [name, rows, steps, mpi] = process.argv.slice(2)
const ranks = mpi ? startRanks(openMpi()) : alone
const [subject] = await select({ backbones: [name!], methods: ['compacter'] })
const { config, options } = subject!
const shape = { batchSize: Number(rows), sourceLength: 64, targetLength: 4 }
const way = { precision: 'float32', mode: 'replay', engine: 'tensorflow', threads: 1 } as const
const { times } = await measure({ config, options, ...shape, ...way, steps: Number(steps), profile: false }, ranks)
if (ranks.rank === 0) process.stdout.write(`${JSON.stringify(times)}\n`)
if (mpi) ranks.end()
process.exit(0)
