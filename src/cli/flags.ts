import { Args, Flags } from '@oclif/core'
import { ENGINES, PRECISIONS, SCORINGS } from '../base/choices.js'
import { BAD_USAGE, UserError } from '../base/error.js'

/** The options of a flag that may be repeated, with one value each time. */
export const repeatable = { multiple: true, multipleNonGreedy: true } as const

/** A flag for the level of intervals. */
export const levelFlag = Flags.custom<number>({
  helpValue: '0.95',
  default: 0.95,
  async parse(given) {
    const level = Number(given)
    if (level >= LEVELS.lowest && level <= LEVELS.highest) return level
    throw new BadLevel({
      at: `--level ${given}`,
      problem: 'is not a level of intervals.',
      remedy: `Give a number from ${LEVELS.lowest} to ${LEVELS.highest}, such as 0.95.`,
    })
  },
})

/** Resamples would not reach the ends of a wider interval. */
const LEVELS = { lowest: 0.5, highest: 0.999 }

class BadLevel extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** Flags of every command that computes. */
export const deviceFlags = {
  engine: Flags.option({
    options: ['auto', ...ENGINES] as const,
    default: 'auto' as const,
    description: 'What computes; auto takes the fastest that works and says which.',
  })(),
  threads: Flags.integer({ description: 'CPU threads that compute (default: one per core).', min: 1 }),
}

/** Flag of every command that draws progress. */
export const quietFlag = Flags.boolean({
  char: 'q',
  description: 'Write the result, warnings and errors only: no progress, no notes.',
})

/** Flag of every command that several processes can share. */
const mpiFlag = Flags.boolean({
  description: 'Share the work with the other processes that mpirun or srun started; see docs/mpi.md.',
})

/** The flags of every command whose work several processes can share. */
export const sharedFlags = { ...deviceFlags, mpi: mpiFlag, quiet: quietFlag }

const scoring = Flags.option({
  options: SCORINGS,
  description: "Greedy decoding, or the likeliest of the labels (default: each run's training.scoring).",
})()

const beams = Flags.integer({
  description:
    'Beams of a search for the output that is likeliest per token, for generated outputs (scoring: generate); ' +
    'default: 1, greedy decoding.',
  min: 1,
})

const precision = Flags.option({
  options: PRECISIONS,
  default: 'float32' as const,
  description: 'bfloat16 computes products of matrices in it: faster where the CPU has it, and scores may differ.',
})()

/** Flag of every command that opens a run. */
export const placesFlag = Flags.string({
  description:
    "Where the run's backbone or data are now: backbone.name, task.train, task.validation, task.test or " +
    'task.path; may be repeated.',
  helpValue: 'key=PLACE',
  ...repeatable,
})

/** Flag of every command that opens a run. */
export const allowChangedFlag = Flags.boolean({
  description: 'Go on though backbone or rows are no longer those that the run was made with.',
})

/** The flags of every command that predicts rows with trained runs. */
export const answeringFlags = {
  scoring,
  beams,
  precision,
  set: placesFlag,
  'allow-changed': allowChangedFlag,
  ...sharedFlags,
}

/** Argument and flag of every command that reads an experiment. */
export const experimentArg = Args.string({
  description: 'Experiment file, or the name of a shipped one.',
  required: true,
})
export const setFlag = Flags.string({
  description: 'Override a value of the experiment; may be repeated.',
  helpValue: 'key=value',
  ...repeatable,
})

const short = (key: string, helpValue: string) =>
  Flags.string({ description: `Short for --set training.${key}=${helpValue}.`, helpValue, helpGroup: 'TRAINING' })

/** Flags of every command that reads an experiment to train it; src/experiment/short_forms.ts reads them. */
export const trainingFlags = {
  seed: short('seed', 'N'),
  lr: short('learning_rate', 'RATE'),
  steps: Flags.string({
    description: 'Short for --set training.steps=N; takes training.epochs out.',
    helpValue: 'N',
    helpGroup: 'TRAINING',
    exclusive: ['epochs'],
  }),
  epochs: Flags.string({
    description: 'Short for --set training.epochs=N; takes training.steps out.',
    helpValue: 'N',
    helpGroup: 'TRAINING',
    exclusive: ['steps'],
  }),
  'batch-size': short('batch_size', 'N|auto'),
}

const list = { ...repeatable, delimiter: ',' } as const

/** The flags of a command that trains on subsets of the training rows. */
export const lowResourceFlags = {
  'low-resource': Flags.boolean({
    description: 'Train on subsets of the training rows, a run for every size, seed and method, and summarise.',
    exclusive: ['resume', 'dry-run', 'mpi'],
  }),
  sizes: Flags.integer({
    description: "Training rows of --low-resource (default: the paper's 100 to 4000, up to the number of rows).",
    helpValue: '100,500,…',
    dependsOn: ['low-resource'],
    ...list,
    min: 1,
  }),
  seeds: Flags.integer({
    description: 'Subsets of each size in --low-resource (default: 5).',
    dependsOn: ['low-resource'],
    min: 1,
  }),
  methods: Flags.string({
    description: "Method presets of --low-resource (default: the experiment's method).",
    helpValue: 'compacter,full,…',
    dependsOn: ['low-resource'],
    ...list,
  }),
}
