import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native engines and their threads live as long as their process: one process a test file, two at once.
    pool: 'forks',
    maxWorkers: 2,
    // Hints are the same wherever the tests run.
    env: { COMPACTER_COMMAND: 'compacter' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
