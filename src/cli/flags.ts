import { Args, Flags } from '@oclif/core'
import { ENGINES, SCORINGS } from '../base/choices.js'

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
export const mpiFlag = Flags.boolean({
  description: 'Share the work with the other processes that mpirun or srun started; see docs/mpi.md.',
})

/** Flag of every command that predicts. */
export const scoringFlag = Flags.option({
  options: SCORINGS,
  description: "Greedy decoding, or the likeliest of the labels (default: each run's training.scoring).",
})()

/** Flag of every command that decodes. */
export const beamsFlag = Flags.integer({
  description:
    'Beams of a search for the output that is likeliest per token, for generated outputs (scoring: generate); ' +
    'default: 1, greedy decoding.',
  min: 1,
})

/** Flag of every command that opens a run. */
export const placesFlag = Flags.string({
  description:
    "Where the run's backbone or data are now: backbone.name, task.train, task.validation, task.test or " +
    'task.path; may be repeated.',
  helpValue: 'key=PLACE',
  multiple: true,
  multipleNonGreedy: true,
})

/** Flag of every command that opens a run. */
export const allowChangedFlag = Flags.boolean({
  description: 'Go on though backbone or rows are no longer those that the run was made with.',
})

/** Argument and flag of every command that reads an experiment. */
export const experimentArg = Args.string({
  description: 'Experiment file, or the name of a shipped one.',
  required: true,
})
export const setFlag = Flags.string({
  description: 'Override a value of the experiment; may be repeated.',
  helpValue: 'key=value',
  multiple: true,
  multipleNonGreedy: true,
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
