import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { Command } from '../src/cli/command.js'
import { quietFlag, repeatable, setFlag } from '../src/cli/flags.js'
import type { WrittenSubset } from '../src/task/rows/subsample.js'

const SEEDS = 5

export default class Subsample extends Command {
  static summary = 'Draw subsets of the training rows of a task and write down which rows they are.'
  static description =
    'Writes a file for each size and seed with the rows of the training split, from 0, in the order drawn: the ' +
    'first of a random permutation, as in the paper, or stratified. An experiment trains on the same rows with ' +
    'task.subset, and train --low-resource on all of them.'
  static examples = [
    {
      description: "The paper's subsets of RTE",
      command: '<%= config.bin %> subsample glue/rte --size 100 --size 500 --size 1000 --size 2000 --seeds 5',
    },
    {
      description: 'One subset that keeps the share of each label',
      command: '<%= config.bin %> subsample rotten-tomatoes --size 100 --seed 3 --stratified --out subsets',
    },
  ]
  static args = {
    task: Args.string({ description: 'Name of a task, or an experiment (file, or a shipped one).', required: true }),
  }
  static flags = {
    size: Flags.integer({
      description: 'Training rows to draw; may be repeated.',
      helpValue: 'ROWS',
      required: true,
      ...repeatable,
      min: 1,
    }),
    seeds: Flags.integer({ description: `Draw with seeds 0, 1, … (default: ${SEEDS} of them).`, min: 1 }),
    seed: Flags.integer({
      description: 'Draw with this seed; may be repeated.',
      ...repeatable,
      min: 0,
      max: 0xffffffff,
      exclusive: ['seeds'],
    }),
    stratified: Flags.boolean({ description: 'Keep the share of each label.', default: false }),
    out: Flags.string({ description: 'Folder of the files.', helpValue: 'DIR', default: '.' }),
    path: Flags.string({
      description: "Folder with a benchmark's official files, instead of the hub.",
      helpValue: 'DIR',
    }),
    set: setFlag,
    force: Flags.boolean({ description: 'Write over a file that holds another subset.' }),
    quiet: quietFlag,
  }
  static enableJsonFlag = true

  async run(): Promise<WrittenSubset[]> {
    const { args, flags } = await this.parse(Subsample)
    const { readTask } = await import('../src/experiment/task.js')
    const { task, locate } = readTask(args.task, { path: flags.path, sets: flags.set })
    const { drawSubsets, writeSubsets } = await import('../src/task/rows/subsample.js')
    const { toldAtItsKey } = await import('../src/task/rows/misfit.js')
    const { terminalProgress } = await import('../src/cli/terminal.js')
    const { showDownload } = await import('../src/base/progress.js')
    const progress = await terminalProgress(flags)
    progress.phase(`Reading the training rows of ${task.name}`)
    const { size: sizes, stratified } = flags
    const seeds = flags.seed ?? Array.from({ length: flags.seeds ?? SEEDS }, (_, seed) => seed)
    const draw = { sizes, seeds, stratified, ...showDownload(progress) }
    const subsets = await toldAtItsKey(locate, () => drawSubsets(task, draw))
    const written = writeSubsets(subsets, resolve(flags.out), flags)
    progress.end()
    for (const { file, state } of written) this.log(state === 'unchanged' ? `${file} (exists already)` : file)
    return written
  }
}
