import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newRun, removeHalfWritten, runFiles } from '../../src/run/directory.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'half-written-'))
  mkdirSync(join(folder, 'checkpoint'))
  mkdirSync(join(folder, 'predictions'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const temporary = (name: string) => `.${name}.${randomUUID()}.tmp`
const write = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, name), 'half')
}
const left = () => readdirSync(folder, { recursive: true }).map(String).sort()

test('of a killed training everything half-written goes, and nothing else', () => {
  const { folder: _, checkpoint, ...files } = runFiles(folder)
  const names = [...Object.values(files).map((file) => basename(file)), 'events.out.tfevents.1700000000.compacter']
  write(...names.map(temporary), join('checkpoint', temporary(basename(checkpoint))))
  for (const name of ['test.jsonl', 'validation.jsonl.manifest.json']) write(join('predictions', temporary(name)))
  const others = [
    temporary('predictions.jsonl'),
    temporary('results.json'),
    temporary('events.out.tfevents.1700000000.host'),
    '.best.safetensors.1234.tmp',
    temporary('best.safetensors').replace('.tmp', '.part'),
    temporary('best.safetensors').slice(1),
    'best.safetensors',
    join('checkpoint', temporary('notes.txt')),
    join('predictions', temporary('train.jsonl')),
  ]
  write(...others)
  const directory = temporary('best.safetensors')
  mkdirSync(join(folder, directory))
  removeHalfWritten(runFiles(folder))
  expect(left()).toEqual([...others, directory, 'checkpoint', 'predictions'].sort())
})

test('a start that was killed while it wrote its first file is not a run', () => {
  write(temporary('experiment.yaml'))
  expect(newRun(folder)).toEqual(runFiles(folder))
  const complaint = `${folder}: exists already. Choose another folder with --run-dir, or delete this one.`
  for (const name of ['notes.txt', 'best.safetensors', temporary('predictions.jsonl')]) {
    write(name)
    expect(() => newRun(folder)).toThrow(complaint)
    rmSync(join(folder, name))
  }
  expect(newRun(folder)).toEqual(runFiles(folder))
})

test('a start that was stopped before its first step is not a run; a lone experiment, or trained files, are kept', () => {
  write('experiment.yaml', 'manifest.json')
  expect(newRun(folder)).toEqual(runFiles(folder))
  for (const name of ['metrics.jsonl', join('checkpoint', 'state.safetensors')]) {
    write(name)
    expect(() => newRun(folder)).toThrow(`${folder}: exists already. Continue it with --resume`)
    rmSync(join(folder, name))
  }
  rmSync(join(folder, 'checkpoint'), { recursive: true })
  expect(() => newRun(folder)).toThrow(`${folder}: exists already.`)
})
