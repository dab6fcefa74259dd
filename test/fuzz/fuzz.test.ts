import { expect, test } from 'vitest'
import { fuzz } from './pool.js'

test('300 mutated inputs: read or refused, none with an unexpected error, a crash, 10 s or 1 GB', {
  timeout: 600_000,
}, async () => {
  const { outcomes, failures } = await fuzz({ seed: 1, first: 0, count: 300, children: 2 })
  expect(failures).toEqual([])
  expect(outcomes.read + outcomes.refused).toBe(300)
  expect(outcomes.read, 'inputs that get to the end').toBeGreaterThan(20)
  expect(outcomes.refused).toBeGreaterThan(100)
})
