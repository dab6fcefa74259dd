import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cacheFolder } from '../src/base/files/cache_folder.js'
import { packageRoot } from '../src/base/root.js'
import { smallExperiment } from './support/cli.js'
import { hasEngine } from './support/engines.js'

// What users install: the built package as npm packs it, into a prefix of its own, with install scripts on, called
// from an empty folder. Nothing but npm's registry is asked.

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-package-')))
const prefix = join(folder, 'prefix')
const empty = join(folder, 'empty')
afterAll(() => rmSync(folder, { recursive: true }))

/** Without what `npm test` sets for its children: npm's settings there hold for this clone. */
const environment = () => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|COMPACTER_COMMAND$)/.test(name))),
  PATH: [join(prefix, 'bin'), process.env.PATH].join(delimiter),
  // The hosts of tfjs-node's install script, as behind a firewall.
  TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:65535/',
})

const npm = (...args: string[]) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: empty,
    encoding: 'utf8',
    env: environment(),
  })

function compacter(args: string[], env: NodeJS.ProcessEnv = {}) {
  const options = { cwd: empty, encoding: 'utf8' as const, env: { ...environment(), ...env } }
  const { status, stdout, stderr } = spawnSync('compacter', args, options)
  return { status, stdout, stderr }
}

let tarball: { filename: string; files: { path: string }[] }

beforeAll(() => {
  mkdirSync(empty)
  tarball = JSON.parse(npm('pack', packageRoot, '--json', '--ignore-scripts', '--pack-destination', folder))[0]
})

test('the package holds what runs and nothing else', () => {
  const packed = tarball.files.map(({ path }) => path)
  const needed = [
    [
      'bin/run.js',
      'bin/loaded.js',
      'bin/start.js',
      'bin/streams.js',
      'oclif.manifest.json',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'package.json',
    ],
    [
      'dist/commands/train.js',
      'dist/src/tensor/tf.cjs',
      'dist/src/sweep/run/child.js',
      'dist/src/measure/torch_step.py',
      'dist/src/measure/torch_encoders.py',
      'dist/src/measure/torch_methods.py',
      'dist/src/measure/torch_models.py',
      'dist/src/measure/peft_methods.py',
      'configs/experiment.schema.json',
    ],
    ['configs/backbones/t5-nano/model.safetensors', 'configs/tasks/rotten-tomatoes/train.jsonl'],
    ['dist/tfjs-node/binding/tfjs_backend.cc', 'dist/tfjs-node/dist/kernels/Add.js', 'experiments/quickstart.yaml'],
  ].flat()
  expect(packed).toEqual(expect.arrayContaining(needed))
  const known = /^(dist\/.*\.(js|cjs)|dist\/tfjs-node\/(package\.json|binding\/.*)|(configs|docs|experiments)\/.*)$/
  const others = (paths: string[]) => paths.filter((path) => !known.test(path)).sort()
  expect(others(packed)).toEqual(others(needed))
})

const registry = spawnSync('npm', ['view', 'koffi', 'version', '--fetch-retries=0'], { timeout: 30_000 }).status === 0

describe.skipIf(!registry)("a global install, where npm's registry can be reached", () => {
  beforeAll(() => {
    const scripts = '--ignore-scripts=false'
    npm('install', '--global', '--prefix', prefix, '--prefer-offline', scripts, join(folder, tarball.filename))
  })

  test('advises the command that sets the engine up from where it was called', () => {
    const { status, stdout } = compacter(['doctor', '--json'], { COMPACTER_CACHE: join(folder, 'cache') })
    expect(status).toBe(0)
    const { device, engines, missing } = JSON.parse(stdout)
    expect(device.engine).not.toBe('tensorflow')
    expect(engines.tensorflow).toBe('the native engine is not set up')
    expect(missing.command).toMatch(/(^|&& )compacter setup$/)
  })

  test('finds the PyTorch side of a benchmark', () => {
    const python = join(folder, 'python')
    writeFileSync(python, '#!/bin/sh\ntest -f "$1" && echo "no torch next to $(basename "$1")" >&2\nexit 1\n', {
      mode: 0o755,
    })
    const bench = ['bench', '--backbone', 't5-nano', '--method', 'full', '--against', 'torch', '--python', python]
    expect(compacter(bench).stderr).toContain(`--python ${python}: no torch next to torch_step.py.`)
  })

  test.each(hasEngine('tensorflow') ? ['tensorflow', 'wasm'] : ['wasm'])(
    'tries the quickstart and trains a small experiment on %s',
    (engine) => {
      const cache = { COMPACTER_CACHE: cacheFolder() }
      const small = ['--set', 'training.batch_size=2', '--dry-run']
      const tried = compacter(['train', 'quickstart', ...small, '--engine', engine], cache)
      expect(tried).toMatchObject({ status: 0 })
      const { file } = smallExperiment({ steps: 2, batch_size: 4, warmup_steps: 1 })
      const trained = compacter(['train', file, '--run-dir', engine, '--engine', engine], cache)
      expect(trained).toMatchObject({ status: 0 })
      const manifest = JSON.parse(readFileSync(join(empty, engine, 'manifest.json'), 'utf8'))
      expect(manifest.engine).toBe(engine)
    },
  )
})
