import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { loadExperiment } from '../../src/experiment/load/load.js'

export const folder = mkdtempSync(join(tmpdir(), 'experiment-'))
writeFileSync(join(folder, 'rows.csv'), 'sentence,mood\ngood,happy\n')

export const file = (text: string): string => {
  const path = join(folder, 'trial.yaml')
  writeFileSync(path, text)
  return path
}

/** The whole message that loading gives, with the temporary folder as DIR. */
export function complaint(text: string, ...overrides: string[]): string {
  try {
    loadExperiment(file(text), overrides)
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2, name: 'ExperimentProblems' })
    return (error as Error).message.replaceAll(folder, 'DIR')
  }
  return 'no error'
}

export const good = `backbone: t5-nano
method: compacter
task: rotten-tomatoes
training: { steps: 10 }
`
