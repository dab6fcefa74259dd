import { expect, test } from 'vitest'
import { WordIndex } from '../../src/backbone/files/words/word_index.js'
import { Int32List } from '../../src/base/numbers/int32_list.js'
import { hashSeed } from '../../src/base/numbers/random.js'

const numbersOf = (index: WordIndex, text: string) => {
  const words = new Int32List()
  expect(index.read(text, text.length, words, false)).toBe(true)
  return [...words.values()]
}

test('words are numbered in the order in which they are met, as a Map numbers them', () => {
  const index = new WordIndex()
  const numbers = new Map<string, number>()
  for (let text = 0; text < 5000; text++) {
    const words = Array.from({ length: 12 }, (_, i) => `${(hashSeed(text, i) % 40_000).toString(36)}é–Ω`.slice(i % 4))
    const expected = words.map((word) => numbers.get(word) ?? numbers.set(word, numbers.size).size - 1)
    expect(numbersOf(index, words.join(' '))).toEqual(expected)
  }
  expect(numbers.size).toBeGreaterThan(10_000)
  expect(index.size).toBe(numbers.size)
  for (const [word, number] of numbers) expect(index.text(number)).toBe(word)
})

test('words of the same hash are different words', () => {
  // Pairs of the same 32-bit FNV-1a: https://softwareengineering.stackexchange.com/q/49550
  const pairs = ['declinate macallums', 'altarage zinke']
  const index = new WordIndex()
  expect(pairs.flatMap((pair) => numbersOf(index, pair))).toEqual([0, 1, 2, 3])
  expect(numbersOf(index, 'macallums zinke declinate altarage')).toEqual([1, 3, 0, 2])
})

test('only the text before the end is read, and words of 64 characters at most', () => {
  const index = new WordIndex()
  const words = new Int32List()
  expect(index.read('a b c ', 3, words, false)).toBe(true)
  expect(index.size).toBe(2)
  expect(index.read(`a ${'x'.repeat(64)}`, 66, words, false)).toBe(true)
  expect(index.read(`a ${'x'.repeat(65)}`, 67, words, false)).toBe(false)
  expect(index.size).toBe(3)
})

test('a word after a blank may be another one than the first', () => {
  const index = new WordIndex()
  const words = new Int32List()
  expect(index.read('a b a', 5, words, true)).toBe(true)
  expect([...words.values()]).toEqual([0, 1, 2])
  expect([0, 1, 2].map((word) => index.text(word))).toEqual(['a', ' b', ' a'])
})
