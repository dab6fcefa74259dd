import { describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { alone } from '../../../src/engine/cluster/ranks.js'
import { checkKnowsMemory, largestFitting, type Measured } from '../../../src/engine/prepare/batch_size.js'
import { chooseBatchSize } from '../../../src/engine/prepare/choose_batch_size.js'
import { ExperimentProblems, loadExperiment } from '../../../src/experiment/load/load.js'
import { loadCells } from '../../../src/sweep/plan/load.js'

const GIB = 2 ** 30

/** Steps that take 1 GiB and so much for each row; the sizes that were tried. */
function steps(bytesARow: number) {
  const tried: number[] = []
  const measure = async (rows: number): Promise<Measured> => {
    tried.push(rows)
    return { rows, seconds: rows / 10, bytes: GIB + rows * bytesARow }
  }
  return { tried, measure }
}

describe('the largest batch that fits', () => {
  test('is found by doubling, then by the line through the last two: a multiple of 8 within nine tenths of the memory', async () => {
    const { tried, measure } = steps(GIB / 100)
    const measured = await largestFitting(10_000, () => 3 * GIB, measure)
    expect(tried).toEqual([8, 16, 32, 64, 128, 168]) // 1 + 1.68 is within 2.7, 1 + 1.76 is not
    expect(measured.at(-1)!.rows).toBe(168)
  })

  test.each([
    [20, [8, 16, 20]],
    [3, [3]],
    [64, [8, 16, 32, 64]],
    [8530, [8, 16, 32, 64, 128, 256, 512]],
  ])('of %i rows has no more than there are, and 512 at most', async (rows, sizes) => {
    const { tried, measure } = steps(1)
    await largestFitting(rows, () => 100 * GIB, measure)
    expect(tried).toEqual(sizes)
  })

  test('is the one before, if a size takes more than the line predicted', async () => {
    const measure = async (rows: number) => ({ rows, seconds: 1, bytes: rows > 16 ? 4 * GIB : GIB })
    expect((await largestFitting(100, () => 4 * GIB, measure)).at(-1)!.rows).toBe(16)
  })

  test('is refused where eight rows are too many, or the memory is not known', async () => {
    await expect(largestFitting(100, () => GIB, steps(GIB / 8).measure)).rejects.toThrow(
      'training.batch_size: is auto, and steps of 8 rows take 2.00 GiB already, nearly all that is free. Set it to a number of rows, and training.micro_batch_size to fewer.',
    )
    expect(() => checkKnowsMemory({ engine: 'wasm' })).toThrow(
      'training.batch_size: is auto, and how much memory wasm has for a step is not known. Set it to a number of rows.',
    )
    expect(() => checkKnowsMemory({ engine: 'tensorflow', gpu: 'NVIDIA A100' })).toThrow('NVIDIA A100')
    expect(() => checkKnowsMemory({ engine: 'tensorflow' })).not.toThrow()
  })
})

describe('batch_size: auto', () => {
  const sets = ['training.batch_size=auto']

  test('is refused for ranks, which share a step', async () => {
    const ranks = { ...alone, size: 2 }
    const options = { progress: silent, interrupted: () => false, ranks }
    await expect(chooseBatchSize(loadExperiment('quickstart', sets), options)).rejects.toThrow(
      'training.batch_size: is auto, which goes by the memory of one process; 2 ranks share each step. Set it to a number of rows.',
    )
  })

  test('is refused in sweeps, whose cells are compared', () => {
    const sets = [{ path: ['training', 'batch_size'], value: 'auto', at: 'sweep.yaml:3:1' }]
    const refused = () => loadCells({ file: 'quickstart', cells: [{ name: 'a', axes: {}, sets }] })
    expect(refused).toThrow(ExperimentProblems)
    expect(refused).toThrow(/^sweep\.yaml:3:1: training\.batch_size is auto: cells would differ/)
  })

  test('leaves no choice to micro_batch_size', () => {
    expect(() => loadExperiment('quickstart', [...sets, 'training.micro_batch_size=8'])).toThrow(
      'training.batch_size is auto: as many rows as are computed at once, which micro_batch_size has set. Set batch_size to a number, or leave one out.',
    )
  })
})
