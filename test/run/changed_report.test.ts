import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { evaluateRuns } from '../../src/engine/evaluate/evaluate_run.js'
import { writePredictions } from '../../src/engine/evaluate/predictions.js'
import { readReport } from '../../src/report/report.js'
import { device, heard, notes, otherWeights, path, ROW, run, sha256, short, t5, weights } from './changed_run.js'

describe('a report', () => {
  const file = path('run', 'predictions.jsonl')
  const options = { ...device, scoring: 'generate', sets: [], allowChanged: false, progress: heard } as const
  const predicted = async (
    more: { split?: 'test' | 'validation'; sets?: string[]; runs?: string[]; task?: string } = {},
  ) => {
    const { split = 'test', runs = [run] } = more
    const { evaluated } = await evaluateRuns(runs, { ...options, ...more, split })
    writePredictions(file, split, evaluated)
  }
  /** What a report shows of the run's predictions, or why it does not. */
  const reported = async () => {
    const { predictions, leftOut } = await readReport([run])
    const [read] = predictions.values()
    const left = leftOut.map(({ reason }) => reason).filter((reason) => reason.includes('predictions'))
    expect(left).toEqual(typeof read === 'string' ? [`the predictions are not shown: ${read}`] : [])
    return read
  }
  const again = `Write the run's own: compacter eval ${run} --predictions ${file} --force.`

  test('shows predictions that are of the run and says of which split', async () => {
    await predicted()
    expect(JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'))).toEqual({
      predictions_sha256: sha256(file),
      split: 'test',
      runs: [
        {
          run,
          trained_sha256: sha256(join(run, 'best.safetensors')),
          backbone_sha256: sha256(weights),
          tokenizer_sha256: sha256(join(t5, 'tokenizer.json')),
          data_sha256: { test: sha256(path('test.jsonl')) },
          precision: 'float32',
          rows: 20,
          classes: { labels: ['0', '1'], positive: '1' },
        },
      ],
    })
    expect(await reported()).toMatchObject({ split: 'test', rows: 20 })
    expect(await reported()).not.toHaveProperty('note')
    await predicted({ split: 'validation' })
    expect(await reported()).toMatchObject({ split: 'validation', rows: 20 })
  })

  test('shows none of other rows', async () => {
    const rows = path('elsewhere.jsonl')
    cpSync(path('test.jsonl'), rows)
    appendFileSync(rows, ROW)
    await predicted({ sets: [`task.test=${rows}`] })
    expect(await reported()).toBe(
      `predictions.jsonl was made with test rows of SHA-256 ${short(rows)}; the run's is ${short(path('test.jsonl'))}. ${again}`,
    )
  })

  test('shows none of another task, though the rows are the same', async () => {
    const { task, ...rest } = JSON.parse(readFileSync(path('small.yaml'), 'utf8'))
    const files = { train: path('train.jsonl'), validation: path('validation.jsonl'), test: path('test.jsonl') }
    const other = path('other.yaml')
    writeFileSync(other, JSON.stringify({ ...rest, task: { ...task, ...files, prompt: 'film: {text}' } }))
    await predicted({ task: other })
    expect(await reported()).toBe(
      `predictions.jsonl has predictions of another task's rows (--task ${other}). ${again}`,
    )
  })

  test('shows those of the file and of the task that are the run’s own, wherever the file is', async () => {
    const moved = path('moved.jsonl')
    cpSync(path('test.jsonl'), moved)
    for (const task of [moved, path('test.jsonl'), path('small.yaml')]) {
      notes.length = 0
      await predicted({ task })
      expect(await reported()).toMatchObject({ split: 'test', rows: 20 })
      expect(notes.filter((note) => note.includes('new evaluation'))).toEqual([])
    }
  })

  test('shows none of other trained tensors', async () => {
    await predicted({ split: 'validation' })
    const [best, before] = [join(run, 'best.safetensors'), short(join(run, 'best.safetensors'))]
    otherWeights(best)
    expect(await reported()).toBe(
      `predictions.jsonl was made with trained tensors of SHA-256 ${before}; the run's is ${short(best)}. ${again.replace('--force', '--split validation --force')}`,
    )
  })

  test('shows none that changed since, and none of several runs', async () => {
    await predicted()
    appendFileSync(file, readFileSync(file, 'utf8').split('\n')[0]!)
    expect(await reported()).toBe(`predictions.jsonl was changed after it was written. ${again}`)
    await predicted({ runs: [run, path('run.kept')] })
    expect(await reported()).toBe(`predictions.jsonl has the predictions of several runs. ${again}`)
    rmSync(`${file}.manifest.json`) // as earlier versions left it
    expect(await reported()).toBe(`predictions.jsonl has the predictions of several runs. ${again}`)
  })

  test('shows those of an earlier version with a note', async () => {
    await predicted()
    rmSync(`${file}.manifest.json`)
    const note = 'The file does not say which tensors and rows it was made of: an earlier version wrote it.'
    expect(await reported()).toMatchObject({ note, rows: 20 })
  })

  test('continues where the note of what they were made with is damaged', async () => {
    await predicted()
    writeFileSync(`${file}.manifest.json`, '{"split": ')
    expect(await reported()).toBe(
      'predictions.jsonl.manifest.json:1:11 is damaged: it is cut short. Write the predictions again with `compacter eval`.',
    )
  })
})
