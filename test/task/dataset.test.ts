import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { uncached } from '../../src/experiment/uncached.js'
import { withPlaces } from '../../src/run/places.js'
import { countRows, readSplit } from '../../src/task/rows/source.js'
import { HubServer, type HubServerOptions } from '../support/hub-server.js'

// parquet by pyarrow, test/oracle/hub_files.py
const shard = (i: number) =>
  readFileSync(new URL(`../fixtures/hub/glue/sst2/train-0000${i}-of-00002.parquet`, import.meta.url))
const FILES = {
  'README.md': Buffer.from('Not needed.'),
  'data/train-00000-of-00002.parquet': shard(0),
  'data/train-00001-of-00002.parquet': shard(1),
  'data/dev-00000-of-00001.parquet': shard(0),
  'data/test-00000-of-00001.parquet': shard(1),
  'data/half-00000-of-00002.parquet': shard(0),
  'en/train-00000-of-00001.parquet': shard(1),
}

let home: string
let server: HubServer | undefined

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dataset-'))
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('HF_HOME', home)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await server?.stop()
  server = undefined
  rmSync(home, { recursive: true })
})

async function serve(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await new HubServer({
    files: FILES,
    id: 'someone/films',
    type: 'dataset',
    lfsFrom: 1000,
    ...options,
  }).start()
  vi.stubEnv('HF_ENDPOINT', server.url)
  return server
}

const quiet = { onNote: () => {} }

function experimentOf(task: Record<string, unknown> = {}) {
  const file = join(home, 'films.yaml')
  const given = { dataset: 'someone/films', splits: { validation: 'dev' }, prompt: 'film: {sentence}', ...task }
  const training = { steps: 1, learning_rate: 0.01 }
  writeFileSync(
    file,
    JSON.stringify({ backbone: 't5-nano', method: 'compacter', task: { name: 'films', ...given }, training }),
  )
  return loadExperiment(file)
}
const taskOf = (task: Record<string, unknown> = {}) => experimentOf(task).task

test('a data set of the hub gives its splits, shard after shard, by columns of the prompt and the label', async () => {
  const { commit, requests } = await serve()
  const rows = await readSplit(taskOf(), 'train', quiet)
  expect(rows.map(({ row, source }) => [row, source])).toEqual([
    [1, 'film: He said "no'],
    [2, "film: it 's  a café ."],
    [3, 'film: "Quoted" and \'not\''],
    [4, 'film: naïve 😀 text'],
    [5, 'film: a, b; c?'],
    [6, 'film: plain words here'],
  ])
  expect(new Set(rows.map(({ label }) => label))).toEqual(new Set(['0', '1']))
  const snapshot = join(home, 'hub', 'datasets--someone--films', 'snapshots', commit)
  expect(readFileSync(join(snapshot, 'data/train-00001-of-00002.parquet'))).toEqual(shard(1))
  expect(requests.filter(({ path }) => path.includes('README'))).toEqual([])
  expect(await countRows(taskOf(), 'validation', quiet)).toBe(3)
})

test('cached files need no hub, and missing ones are reported offline', async () => {
  await serve()
  for (const split of ['train', 'validation'] as const) await countRows(taskOf(), split, quiet)
  expect(await uncached(experimentOf())).toEqual(['task'])
  expect(await uncached(experimentOf({ split: 'halves' }))).toEqual([])
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  expect(await countRows(taskOf(), 'train', quiet)).toBe(6)
  await expect(countRows(taskOf(), 'test', quiet)).rejects.toThrow(
    `someone/films: is not in the cache (${join(home, 'hub', 'datasets--someone--films')}), and HF_HUB_OFFLINE forbids to download it.`,
  )
})

test('a configuration is named, and has its own splits', async () => {
  await serve()
  expect(await countRows(taskOf({ config: 'en' }), 'train', quiet)).toBe(3)
})

test.each([
  [
    { config: 'fr' },
    'task.config: the data set someone/films has no configuration fr. Set task.config. Configurations: default, en.',
  ],
  [
    { splits: { train: 'dev2' } },
    "task.splits: the data set someone/films has no split dev2. Splits: dev, test, train; task.splits tells which is which, task.split makes one of another's rows.",
  ],
  [{ splits: { train: 'half' } }, 'has no split half. Splits: dev, test, train;'],
  [{ config: 'en', splits: { train: 'dev' } }, 'has no split dev in the configuration en. Splits: train;'],
  [
    { prompt: '{text}' },
    "data/train-*.parquet: task.prompt names the column 'text', which is not in this file. Columns: sentence, label, idx.",
  ],
  [
    { label: 'stars' },
    "task.label names the column 'stars', which is not in this file. Columns: sentence, label, idx.",
  ],
])('%j is refused with the possible values', async (task, message) => {
  await serve()
  await expect(readSplit(taskOf(task), 'train', quiet)).rejects.toThrow(message)
})

test('a data set without such files, or an unknown one, is reported', async () => {
  await serve({ files: { 'films.csv': Buffer.from('text,label\n') } })
  await expect(readSplit(taskOf(), 'train', quiet)).rejects.toThrow(
    'task.dataset: the data set someone/films has no parquet files whose names tell split and number, such as data/train-00000-of-00001.parquet.',
  )
  await expect(readSplit(taskOf({ dataset: 'someone/else' }), 'train', quiet)).rejects.toThrow(
    'has no such data set, or shows it only with a token (404)',
  )
})

test.each([
  [
    { train: 'films.csv' },
    'task.train is "films.csv", and the rows are those of the data set "someone/films". Take one of the two out;',
  ],
  [{ dataset: undefined, config: 'en' }, 'task.config is "en", but there is no task.dataset that it is of.'],
  [{ dataset: 'films' }, 'must be owner/name'],
])('an experiment with %j is refused', (task, message) => {
  expect(() => taskOf(task)).toThrow(message)
})

test('no file takes the place of its rows to no effect', () => {
  expect(() => withPlaces(experimentOf(), [`task.test=${join(home, 'films.yaml')}`])).toThrow(
    "the run's rows are those of the data set someone/films, not of files. Score a file by itself: compacter eval RUN --task FILE.",
  )
})
