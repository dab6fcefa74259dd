import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { compacter } from '../support/cli.js'
import { engines } from '../support/engines.js'

const tiny = join(packageRoot, 'test/fixtures/t5-tiny')
const engine = ['--engine', engines[0]!, '--threads', '1']
const small = ['bench', '--backbone', tiny, '--batch', '2', '--source-length', '8', '--target-length', '3', ...engine]
const few = ['--steps', '3', '--repetitions', '2']

/** A Python with torch and transformers, where there is one. */
const python = process.env.COMPACTER_TEST_PYTHON

describe('bench', () => {
  test('rows hold every measurement, and those relative to full are their quotients', async () => {
    const { code, stdout, stderr } = await compacter([
      ...small,
      ...few,
      ...['--mode', 'eager', '--method', 'bitfit', '--method', 'full', '--json'],
    ])
    expect(code, stderr).toBe(0)
    const rows = JSON.parse(stdout)
    const [bitfit, full] = rows
    expect(rows).toHaveLength(2)
    expect(bitfit).toMatchObject({
      ...{ method: 'bitfit', changes: [], backbone: tiny, precision: 'float32', mode: 'eager' },
      ...{ batch_size: 2, source_length: 8, target_length: 3, steps: 6 },
      // d_model 24, 3 · 10 a projection, d_ff 40, 3 + 2 layers, vocabulary 97
      trained_parameters: 3 * (3 * 30 + 24 + 24 + 40 + 24 + 24) + 2 * (2 * (3 * 30 + 24 + 24) + 40 + 24 + 24) + 97,
    })
    expect(full).toMatchObject({ method: 'full', time_to_full: 1, memory_to_full: 1 })
    expect(bitfit.time_to_full).toBe(bitfit.step_ms / full.step_ms)
    expect(bitfit.memory_to_full).toBe(bitfit.peak_bytes / full.peak_bytes)
    for (const row of rows) {
      expect(row.examples_per_second).toBe(2000 / row.step_ms)
      expect(row.step_ms).toBeGreaterThan(0)
      expect(row.step_ms_spread).toBeGreaterThanOrEqual(0)
      expect(row.first_step_ms).toBeGreaterThan(row.step_ms)
      expect(row.peak_bytes).toBeGreaterThan(30e6) // Node alone has that
      expect(row).not.toHaveProperty('torch_step_ms')
    }
  })

  test('without full fine-tuning nothing is relative to it; methods that do not fit are left out and reported', async () => {
    const only = await compacter([...small, '--method', 'bitfit', '--steps', '1', '--repetitions', '1', '--json'])
    expect(only.code, only.stderr).toBe(0)
    expect(JSON.parse(only.stdout)[0]).toMatchObject({ time_to_full: null, memory_to_full: null })
    const refused = await compacter([...small, '--method', 'compacter'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('method.reduction_factor is 32; it must divide d_model (24).')
  })

  test('profiles an eager step: products of matrices are among its kernels, longest first', async () => {
    const once = ['--method', 'full', '--steps', '1', '--repetitions', '1']
    const { code, stdout, stderr } = await compacter([...small, ...once, '--profile', '--json'])
    expect(code, stderr).toBe(0)
    const { profile } = JSON.parse(stdout)[0]
    const times = profile.map(({ ms }: { ms: number }) => ms)
    expect(times).toEqual(times.toSorted((a: number, b: number) => b - a))
    const products = profile.find(({ kernel }: { kernel: string }) => kernel === 'BatchMatMul')
    // forwards alone: 8 in each of 3 encoder layers, 14 in each of 2 decoder layers, the head
    expect(products.calls).toBeGreaterThan(3 * 8 + 2 * 14 + 1)
  })

  test('refuses what an engine cannot do, each with what would work', async () => {
    const refusal = async (...flags: string[]) => {
      const { code, stderr } = await compacter([
        'bench',
        '--backbone',
        tiny,
        '--method',
        'full',
        '--engine',
        'wasm',
        ...flags,
      ])
      expect(code).toBe(1)
      return stderr
    }
    expect(await refusal('--mode', 'replay')).toContain(
      '--mode replay: the engine wasm has no replay. Use --engine tensorflow or --mode eager.\n',
    )
    expect(await refusal('--precision', 'bfloat16')).toContain(
      '--precision bfloat16: steps taken op by op compute in float32 only. Use --engine tensorflow.\n',
    )
  })

  test('asks for a Python that has torch', async () => {
    const remedy = 'Name a Python that has both: python3 -m venv torch && torch/bin/pip install torch transformers.'
    const run = (python: string) => compacter([...small, '--method', 'full', '--against', 'torch', '--python', python])
    const missing = await run('/nowhere/python')
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain(`--python /nowhere/python: it can't be started (ENOENT). ${remedy}\n`)
    const bare = join(mkdtempSync(join(tmpdir(), 'compacter-')), 'python')
    writeFileSync(bare, '#!/bin/sh\necho "ModuleNotFoundError: No module named \'torch\'" >&2\nexit 1\n', {
      mode: 0o755,
    })
    expect((await run(bare)).stderr).toContain(
      `--python ${bare}: ModuleNotFoundError: No module named 'torch'. ${remedy}\n`,
    )
  })

  test.skipIf(!python)(
    'PyTorch trains as many parameters, and ratios are quotients',
    { timeout: 1_800_000 },
    async () => {
      const flags = ['--method', 'all', '--set', 'method.reduction_factor=6', '--steps', '1', '--repetitions', '1']
      const { code, stdout, stderr } = await compacter([
        ...small,
        ...flags,
        '--against',
        'torch',
        '--python',
        python!,
        '--json',
      ])
      expect(code, stderr).toBe(0)
      const rows: Record<string, number | null | string>[] = JSON.parse(stdout)
      expect(rows.map(({ method }) => method)).toContain('compacter')
      for (const { method, step_ms, torch_step_ms, time_ratio, peak_bytes, torch_peak_bytes, memory_ratio } of rows) {
        if (String(method).startsWith('intrinsic'))
          expect([torch_step_ms, time_ratio, memory_ratio]).toEqual([null, null, null])
        else {
          expect(time_ratio).toBe(Number(step_ms) / Number(torch_step_ms))
          expect(memory_ratio).toBe(Number(peak_bytes) / Number(torch_peak_bytes))
        }
      }
    },
  )

  test.skipIf(!python)(
    'PyTorch trains as many parameters where the head has its own matrix',
    {
      timeout: 1_800_000,
    },
    async () => {
      const layouts = ['v1.1-own-5', 'v1.1-tied-unscaled-5', 'v1.1-gated-silu-5']
      const backbones = layouts.flatMap((name) => ['--backbone', join(packageRoot, 'test/fixtures/layouts', name)])
      const flags = ['--method', 'full', '--batch', '2', '--steps', '1', '--repetitions', '1', '--source-length', '8']
      const against = ['--against', 'torch', '--python', python!, '--json']
      const { code, stdout, stderr } = await compacter(['bench', ...backbones, ...flags, ...against])
      expect(code, stderr).toBe(0)
      const rows: { trained_parameters: number; torch_step_ms: number }[] = JSON.parse(stdout)
      // d_model 10, 2 · 3 a projection, d_ff 14, 1 + 2 layers, vocabulary 31, whose table occurs twice where the head
      // is its own
      const layers = 240 + 420 + 20 + 2 * (480 + 420 + 30) + 20 + 32
      expect(rows.map((row) => row.trained_parameters)).toEqual([layers + 620, layers + 310, layers + 620])
      for (const { torch_step_ms } of rows) expect(torch_step_ms).toBeGreaterThan(0)
    },
  )

  test.skipIf(!python).each([
    ['float32', ['bert', 'deberta-v2', 'modernbert']],
    ['bfloat16', ['bert', 'deberta-v2']],
  ] as const)(
    'PyTorch trains as many parameters of encoders in %s, the head among them',
    { timeout: 1_800_000 },
    async (precision, types) => {
      const methods = ['compacter', 'lora'] as const
      const backbones = types.flatMap((type) => ['--backbone', join(packageRoot, `test/fixtures/${type}-tiny`)])
      const sets = ['--set', 'method.reduction_factor=6', '--set', 'method.targets=all']
      const flags = ['--batch', '2', '--source-length', '8', '--steps', '1', '--repetitions', '1', '--threads', '1']
      const against = ['--precision', precision, '--against', 'torch', '--python', python!, '--json']
      const named = methods.flatMap((method) => ['--method', method])
      const { code, stdout, stderr } = await compacter(['bench', ...backbones, ...named, ...sets, ...flags, ...against])
      expect(code, stderr).toBe(0)
      const rows: { trained_parameters: number; torch_step_ms: number; memory_ratio: number }[] = JSON.parse(stdout)
      // d_model 24, bottleneck 4, d_ff 40, 3 layers; 2 labels; DeBERTa norms its distances, and its head and
      // ModernBERT's have a layer of their own
      const adapters = 64 + 3 * 2 * (24 + 4 + 4 + 4 + 24 + 24)
      const pairs = 8 * 3 * (4 * (24 + 24) + 2 * (24 + 40))
      const fused = 8 * 3 * (24 + 72 + 24 + 24 + 24 + 80 + 40 + 24)
      const expected = {
        bert: { compacter: adapters + 7 * 48 + 50, lora: pairs + 50 },
        'deberta-v2': { compacter: adapters + 8 * 48 + 600 + 50, lora: pairs + 600 + 50 },
        modernbert: { compacter: adapters + 7 * 24 + 600 + 50, lora: fused + 600 + 50 },
      }
      expect(rows.map((row) => row.trained_parameters)).toEqual(
        types.flatMap((type) => methods.map((method) => expected[type][method])),
      )
      for (const { torch_step_ms, memory_ratio } of rows) expect(torch_step_ms * memory_ratio).toBeGreaterThan(0)
    },
  )
})
