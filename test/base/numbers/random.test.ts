import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  hashSeed,
  MersenneTwister,
  normalArray,
  randperm,
  torchUniform,
  uniformArray,
} from '../../../src/base/numbers/random.js'
import { packageRoot } from '../../../src/base/root.js'

const numbers = (seed: number, count: number): number[] => {
  const generator = new MersenneTwister(seed)
  return Array.from({ length: count }, () => generator.uint32())
}

describe('MersenneTwister', () => {
  // numpy.random.RandomState(seed).randint(0, 2**32, size=1000, dtype=np.uint32)[[0, 1, 2, 999]]
  test.each([
    [5489, [3499211612, 581869302, 3890346734, 1341017984]],
    [4294967295, [419326371, 479346978, 3918654476, 2673539693]],
    [0, [2357136044, 2546248239, 3071714933, 3043451800]],
  ])('gives what NumPy gives for seed %i', (seed, expected) => {
    const all = numbers(seed, 1000)
    expect([all[0], all[1], all[2], all[999]]).toEqual(expected)
  })
})

describe('randperm', () => {
  // torch.randperm(n, generator=torch.Generator().manual_seed(42))[:4]
  test.each([
    [408, [30, 63, 342, 322]],
    [1043, [911, 408, 813, 657]],
    [1500, [42, 340, 1028, 766]],
    [277, [207, 84, 253, 243]],
    [67349, [6677, 49712, 38268, 32909]],
    [104743, [99291, 42864, 63734, 96877]],
  ])('starts as PyTorch does for n = %i, seed 42, and holds every number once', (n, expected) => {
    const order = randperm(n, 42)
    expect([...order.subarray(0, 4)]).toEqual(expected)
    expect(Int32Array.from(order).sort()).toEqual(Int32Array.from({ length: n }, (_, i) => i))
  })

  test.each([
    [0, [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]],
    [2147483653, [7, 8, 3, 5, 0, 9, 2, 6, 4, 1]],
    [4294967295, [1, 4, 6, 2, 0, 5, 8, 7, 9, 3]],
  ])('is PyTorch’s whole order for n = 10, seed %i', (seed, expected) => {
    expect([...randperm(10, seed)]).toEqual(expected)
  })

  test('of nothing is empty, of one is that one', () => {
    expect([...randperm(0, 42)]).toEqual([])
    expect([...randperm(1, 42)]).toEqual([0])
  })
})

describe('hashSeed', () => {
  test('stays what it was: saved runs depend on it', () => {
    expect(hashSeed(42)).toBe(118089658)
    expect(hashSeed(42, 'order', 3)).toBe(967899605)
    expect(hashSeed(0.5, 'encoder.3.attention.down.s')).toBe(2664253261)
  })

  test('tells apart what only looks alike', () => {
    const hashes = [
      hashSeed(42),
      hashSeed(42, ''),
      hashSeed(42, 1),
      hashSeed(42, '1'),
      hashSeed(42, 'ab', 'c'),
      hashSeed(42, 'a', 'bc'),
      hashSeed(42, 1, 2),
      hashSeed(42, 2, 1),
      hashSeed(42, 2 ** 32),
      hashSeed(42, 0),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('neighbours share no bits beyond chance: 16 of 32 differ on average', () => {
    let differing = 0
    for (let epoch = 0; epoch < 1000; epoch++) {
      let bits = hashSeed(42, 'order', epoch) ^ hashSeed(42, 'order', epoch + 1)
      for (; bits !== 0; bits &= bits - 1) differing++
    }
    expect(Math.abs(differing / 1000 - 16)).toBeLessThan(0.5)
  })
})

describe('uniformArray', () => {
  test('fills [low, high) evenly', () => {
    const values = uniformArray(100_000, 7, -0.5, 1.5)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.5)
    expect(Math.max(...values)).toBeLessThan(1.5)
    const counts = new Array(10).fill(0)
    for (const value of values) counts[Math.floor((value + 0.5) * 5)]++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500) // 5 standard deviations
  })

  test('starts with the generator’s first numbers', () => {
    expect([...uniformArray(2, 5489, 0, 1)]).toEqual(
      [3499211612, 581869302].map((number) => Math.floor(number / 256) / 2 ** 24),
    )
  })
})

describe('torchUniform', () => {
  // generator = torch.Generator().manual_seed(2**40 + 7); then twice
  // torch.empty(9).uniform_(-0.3, 0.7, generator=generator)
  test('gives what PyTorch draws, to the bit', () => {
    const first = [
      0.23492252826690674, -0.10119682550430298, 0.35921168327331543, 0.3568902611732483, -0.067238450050354,
      0.12506139278411865, -0.09291398525238037, 0.3297363519668579, 0.06531614065170288,
    ]
    const second = [
      0.5512683391571045, 0.5549431443214417, 0.2509351968765259, -0.013161003589630127, -0.09368062019348145,
      0.14509016275405884, 0.05928593873977661, 0.4203804135322571, -0.226948082447052,
    ]
    expect([...torchUniform(9, 2 ** 40 + 7, 0, -0.3, 0.7)]).toEqual(first)
    expect([...torchUniform(9, 2 ** 40 + 7, 9, -0.3, 0.7)]).toEqual(second)
  })
})

describe('normalArray', () => {
  test('has the mean, deviation, skew and tails of N(0, 0.02²)', () => {
    const length = 200_001
    const values = normalArray(length, 7, 0.02)
    const moment = (power: number) => values.reduce((sum, value) => sum + (value / 0.02) ** power, 0) / length
    expect(Math.abs(moment(1))).toBeLessThan(0.011) // each bound is 5 standard deviations of the estimate
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.016)
    expect(Math.abs(moment(3))).toBeLessThan(0.044)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.11)
  })

  test('a shorter array is the beginning of a longer one', () => {
    expect(normalArray(7, 3, 1)).toEqual(normalArray(12, 3, 1).subarray(0, 7))
  })
})

test('everything that is random, in tests too, is of a seed', () => {
  const files = ['src', 'commands', 'test', 'bench'].flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  const unseeded = files.filter(
    (file) => file.endsWith('.ts') && readFileSync(join(packageRoot, file), 'utf8').includes(`Math.${'random'}`),
  )
  expect(unseeded).toEqual([])
})
