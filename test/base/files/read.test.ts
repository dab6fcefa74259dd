import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readConfig } from '../../../src/backbone/files/preset.js'
import { specialTokens } from '../../../src/backbone/files/special_tokens.js'
import { loadTokenizer } from '../../../src/backbone/files/tokenizer.js'
import { openBackbone } from '../../../src/backbone/files/weights.js'
import { copyFile } from '../../../src/base/files/atomic.js'
import { openFile, readText } from '../../../src/base/files/read.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { readExperiment } from '../../../src/experiment/load/load.js'
import { openInput } from '../../../src/predict/input.js'
import { runFiles } from '../../../src/run/directory.js'
import { runExperiment } from '../../../src/run/experiment.js'
import { readResult } from '../../../src/run/records.js'
import { localFiles } from '../../../src/task/benchmark/files.js'
import { readTable } from '../../../src/task/rows/table.js'

const NANO = join(packageRoot, 'configs/backbones/t5-nano')

let root: string
const at = (...names: string[]) => join(root, ...names)
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'read-')))
  vi.stubEnv('HF_HUB_CACHE', at('cache'))
  mkdirSync(at('given'))
  mkdirSync(at('home'))
  writeFileSync(at('home', 'secret'), 'mine')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

/** A link at `path`, with the folders above it. */
function link(target: string, path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
  return path
}

const outside = (path: string, target: string) =>
  `${path}: is a link to ${target}, which is not in its folder. Put the file itself there, if those who made the folder may have it read.`

describe.skipIf(process.platform === 'win32')('a link in a folder', () => {
  test('that leads out of it is refused, in however many steps', () => {
    const path = link('../home/secret', at('given', 'file'))
    expect(() => readText(path)).toThrow(outside(path, at('home', 'secret')))
    link('../home', at('given', 'folder'))
    expect(() => readText(link('folder/secret', at('given', 'twice')))).toThrow(/is a link to/)
    expect(() => readText(link(at('given2', 'x'), at('given', 'none')))).toThrow('ENOENT')
  })

  test('within it, to a file that the user named, and of the folder itself are followed', () => {
    writeFileSync(at('given', 'real'), 'text')
    expect(readText(link('real', at('given', 'alias')))).toBe('text')
    expect(readText(link('../home/secret', at('given', 'named')), { named: true })).toBe('mine')
    link('given', at('linked'))
    expect([readText(at('linked', 'real')), readText(at('linked', 'alias'))]).toEqual(['text', 'text'])
  })

  test("to a blob of the hub's cache is followed, also where the blobs are on another disk", () => {
    mkdirSync(at('disk'))
    writeFileSync(at('disk', 'abc'), 'weights')
    link('../../disk', at('cache', 'models--a--b', 'blobs'))
    expect(readText(link('../../blobs/abc', at('cache/models--a--b/snapshots/1/file')))).toBe('weights')
    mkdirSync(at('cache', 'models--c--d', 'blobs'), { recursive: true })
    writeFileSync(at('cache/models--c--d/blobs/def'), 'others')
    expect(readText(link('../../../blobs/def', at('cache/models--c--d/snapshots/1/sub/file')))).toBe('others')
    expect(readText(link(at('cache/models--c--d/blobs/def'), at('given', 'local')))).toBe('others')
  })

  test('that only looks like that of a cache is refused', () => {
    mkdirSync(at('given/blobs'))
    writeFileSync(at('given/blobs/abc'), 'weights')
    expect(readText(link('../../blobs/abc', at('given/snapshots/1/file')))).toBe('weights')
    link('../../home', at('given', 'other', 'blobs'))
    expect(() => readText(link('../../blobs/secret', at('given/other/snapshots/1/file')))).toThrow(/is a link to/)
  })

  test.each<[string, (folder: string) => unknown]>([
    ['config.json', readConfig],
    ['tokenizer_config.json', specialTokens],
    ['tokenizer.json', (folder) => loadTokenizer(join(folder, 'tokenizer.json'))],
    ['model.safetensors', openBackbone],
    ['model.safetensors', (folder) => openSafetensors(join(folder, 'model.safetensors'))],
    ['spiece.model', (folder) => copyFile(join(folder, 'spiece.model'), at('exported'))],
    ['result.json', (folder) => readResult(runFiles(folder))],
    ['experiment.yaml', (folder) => runExperiment(join(folder, 'experiment.yaml'))],
  ])('does not read a file outside as its %s', async (name, read) => {
    for (const file of readdirSync(NANO)) if (file !== name) copyFileSync(join(NANO, file), at('given', file))
    const path = link('../home/secret', at('given', name))
    await expect(async () => read(at('given'))).rejects.toThrow(outside(path, at('home', 'secret')))
    expect(readdirSync(root)).not.toContain('exported')
  })

  test("nor as a task's rows", () => {
    const path = link('../home/secret', at('given', 'train.tsv'))
    const benchmark = { folder: 'X', config: 'x', repository: 'a/b' } as Parameters<typeof localFiles>[1]
    const split = { official: ['train'], hub: 'train' } as Parameters<typeof localFiles>[2]
    expect(() => localFiles('x', benchmark, split, at('given'))).toThrow(outside(path, at('home', 'secret')))
  })
})

describe.skipIf(process.platform === 'win32')('a path that is not a file', () => {
  const pipe = (name: string) => {
    execFileSync('mkfifo', [at(name)])
    return at(name)
  }
  const PIPE = 'is a pipe, which can be read only once. Save what comes out of it to a file, and name that.'

  test.each(['rows.jsonl', 'rows.json', 'rows.csv', 'rows.tsv', 'rows.parquet'])(
    'a pipe as %s is refused, not waited for',
    async (name) => {
      const path = pipe(name)
      const read = async () => {
        for await (const _ of readTable(path)) break
      }
      await expect(read()).rejects.toThrow(`${path}: ${PIPE}`)
    },
  )

  test('so is one as an experiment, or as input to predict', () => {
    const [experiment, input] = [pipe('experiment.yaml'), pipe('input')]
    expect(() => readExperiment(experiment)).toThrow(`${experiment}: ${PIPE}`)
    expect(() => openInput({ texts: [], file: input }, true)).toThrow(`${input}: ${PIPE}`)
  })

  test('a device and a folder are refused', () => {
    expect(() => openFile('/dev/null')).toThrow('/dev/null: is a device, not a file.')
    expect(() => openFile(at('home'))).toThrow('EISDIR')
    expect(() => openFile(link('/dev/zero', at('home', 'zero')), { named: true })).toThrow('zero: is a device')
  })
})

/** Who opens files by themselves, and which ones. */
const OPENERS = {
  'src/base/files/atomic.ts': 'to write',
  'src/format/folder.ts': 'its own hidden folder, to sync it',
  'src/engine/cluster/threads.ts': 'of the system',
  'src/engine/device/memory.ts': 'of the system',
  'src/engine/device/nvidia.ts': 'of the system',
  'src/base/lock/beat.cjs': 'its own lock file, in a thread without TypeScript',
  'src/base/lock/entry.ts': 'its own drafts of lock files, of random names',
  'src/base/lock/kernel.ts': 'of the system',
  'src/base/files/own_folder.ts': 'of the system',
  'src/base/files/read.ts': 'to read',
  'src/base/root.ts': 'of the package',
  'src/base/files/special_file.ts': 'to write into a device or a pipe',
}

test('files are opened in one place for reading and in one for writing', () => {
  const sources = ['commands', 'src'].flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const opening =
    /\b(?:openSync|readFileSync|readFile|writeFileSync|writeFile|appendFile(?:Sync)?|copyFileSync|cpSync|createWriteStream|createReadStream|openAsBlob)\((?!.*\bfd\b)/
  const openers = sources.filter(
    (path) => /\.c?ts$|\.cjs$/.test(basename(path)) && opening.test(readFileSync(join(packageRoot, path), 'utf8')),
  )
  expect(openers.sort()).toEqual(Object.keys(OPENERS).sort())
})
