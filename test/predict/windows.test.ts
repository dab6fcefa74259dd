import { expect, test } from 'vitest'
import { windows } from '../../src/predict/windows.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const limits = { items: 2, mostItems: 8, size: 1000, wait: 40 }
const one = () => 1

async function collected<T>(stream: AsyncIterable<T[]>): Promise<T[][]> {
  const all: T[][] = []
  for await (const window of stream) all.push(window)
  return all
}

async function* numbers(count: number) {
  for (let i = 0; i < count; i++) yield i
}

test('windows grow to the largest, and lose and reorder nothing', async () => {
  const all = await collected(windows(numbers(25), one, limits))
  expect(all.map((window) => window.length)).toEqual([2, 4, 8, 8, 3])
  expect(all.flat()).toEqual(Array.from({ length: 25 }, (_, i) => i))
  expect(await collected(windows(numbers(0), one, limits))).toEqual([])
})

test('a window is full by the size of its items too', async () => {
  const all = await collected(windows(numbers(6), (item) => (item === 1 ? 1000 : 1), { ...limits, items: 4 }))
  expect(all).toEqual([
    [0, 1],
    [2, 3, 4, 5],
  ])
})

test('what a slow producer has sent goes out while it pauses, trickling or not', async () => {
  async function* slow() {
    yield 'a'
    yield 'b'
    await sleep(200)
    for (const item of ['c', 'd', 'e', 'f', 'g']) {
      yield item
      await sleep(15) // never 40 ms without an item
    }
  }
  const times: number[] = []
  const started = performance.now()
  const all: string[][] = []
  for await (const window of windows(slow(), one, { ...limits, items: 8 })) {
    all.push(window)
    times.push(performance.now() - started)
  }
  expect(all[0]).toEqual(['a', 'b'])
  expect(times[0]).toBeGreaterThan(35)
  expect(times[0]).toBeLessThan(150)
  expect(all.length).toBeGreaterThan(2)
  expect(all.flat().join('')).toBe('abcdefg')
})

test('no more than one item is read ahead', async () => {
  let read = 0
  async function* counted() {
    for (; read < 100; ) yield ++read
  }
  for await (const window of windows(counted(), one, limits)) {
    await sleep(5)
    expect(read).toBe(window.at(-1)! + 1)
    if (window.at(-1)! > 20) break
  }
})

test('an error of the stream comes after what was before it, while nobody waits for it', async () => {
  async function* broken() {
    yield 1
    yield 2
    throw new Error('the pipe broke')
  }
  const got: number[][] = []
  const all = async () => {
    for await (const window of windows(broken(), one, limits)) {
      got.push(window)
      await sleep(20)
    }
  }
  await expect(all()).rejects.toThrow('the pipe broke')
  expect(got).toEqual([[1, 2]])
})
