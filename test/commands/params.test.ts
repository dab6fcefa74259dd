import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '@oclif/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import Report from '../../commands/params/report.js'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'

/** What the command prints on stdout. */
async function printed(...argv: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await (Report as { run(argv: string[], root: string): Promise<unknown> } & typeof Command).run(argv, packageRoot)
  const text = log.mock.calls.map(([line]) => `${line}\n`).join('')
  log.mockRestore()
  return text
}

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

describe('params report', () => {
  test('prints a table', async () => {
    const table = await printed('quickstart', '--set', 'method.n=2', '--tasks', '3')
    const cells = table.split('\n').map((line) => line.split('│').map((cell) => cell.trim()))
    const head = ['backbone', 'method', 'changed', 'trained', 'share', '3 tasks', 'on disk', 'optimiser', 'complexity']
    expect(cells[1]).toEqual(['', ...head, ''])
    const row = ['t5-nano', 'compacter', 'n=2', '18,312', '0.1943 %', '1.004', '82.3 KiB', '143 KiB', 'O(k+d)']
    expect(cells[3]).toEqual(['', ...row, ''])
    expect(cells[5]).toEqual(['t5-nano has 9,426,688 parameters.'])
  })

  test.each([[['--json']], [['--format', 'json']]])('%s prints an array of rows', async (format) => {
    const rows = JSON.parse(await printed('--backbone', 't5-small', '--method', 'prompt-tuning-r', ...format))
    expect(rows).toEqual([
      {
        backbone: 't5-small',
        method: 'prompt-tuning-r',
        changes: [],
        options: { kind: 'prompt_tuning', length: 100, start: 'random' },
        tasks: 8,
        backbone_parameters: 60_506_624,
        head_parameters: null,
        trained_parameters: 51_200,
        added_parameters: 51_200,
        share_percent: 5_120_000 / 60_506_624,
        total_parameters_ratio: 1 + 409_600 / 60_506_624,
        checkpoint_bytes: 204_800 + 80,
        optimizer_bytes: 409_600,
        complexity: 'O(d)',
      },
    ])
  })

  test('lines of CSV end as RFC 4180 has it', async () => {
    const csv = await printed('--method', 'compacter', '--by', 'kind', '--format', 'csv')
    expect(csv.split('\r\n').slice(0, 3)).toEqual([
      'backbone,method,part,shape,tensors,parameters,share_percent',
      `t5-base,compacter,rule,,1,64,${6400 / 161_728}`,
      `t5-base,compacter,down.s,,48,36864,${3_686_400 / 161_728}`,
    ])
    expect(csv.endsWith('\r\n')).toBe(true)
    expect(csv.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  test('a named method that does not fit leaves with 2', async () => {
    const argv = ['--backbone', 'test/fixtures/t5-tiny', '--method', 'compacter']
    await expect(Report.run(argv, packageRoot)).rejects.toMatchObject({
      message:
        '--method compacter: method.reduction_factor is 32; it must divide d_model (24). Nearest that does: 24; all: 1, 2, 3, 4, 6, 8, 12, 24.',
    })
    expect(process.exitCode).toBe(2)
  })

  test('reads no weights and loads no engine', () => {
    const script = `
      import { createRequire } from 'node:module'
      import { select } from './src/count/selection.ts'
      import { parameterRows } from './src/count/parameters.ts'
      const rows = parameterRows(await select({ backbones: ['t5-11b'], methods: ['all'] }), 8)
      const engines = /tfjs-node|tfjs-backend|koffi|webgpu/
      const loaded = Object.keys(createRequire(process.cwd() + '/').cache).filter((path) => engines.test(path))
      console.log(rows.length, rows[0].backbone_parameters, loaded.length)
    `
    const argv = ['--import', 'tsx', '--input-type=module', '-e', script]
    expect(execFileSync(process.execPath, argv, { cwd: packageRoot, encoding: 'utf8' })).toBe(
      `${presetNames('methods').length} 11307321344 0\n`,
    )
  })
})

// `npx vitest run test/commands/params.test.ts -u` writes it anew.
test('docs/methods.md has the tables that the command prints', async () => {
  const file = join(packageRoot, 'docs/methods.md')
  const [prose] = readFileSync(file, 'utf8').split(/(?<=from the command itself:\n\n)/)
  const paper = ['--backbone', 't5-base', '--set', 'backbone.trim_vocabulary=true', '--format', 'markdown']
  const hypercomplex = ['phm-adapter', 'compacter', 'compacter++'].flatMap((name) => ['--method', name])
  const tables: string[] = []
  for (const chosen of [
    ['--method', 'all'],
    [...hypercomplex, '--set', 'method.n=8'],
    [...hypercomplex, '--set', 'method.n=12'],
  ]) {
    const argv = [...paper, ...chosen]
    tables.push(`\`compacter params report ${argv.join(' ')}\`\n\n${await printed(...argv)}`)
  }
  await expect(`${prose}${tables.join('\n')}`).toMatchFileSnapshot(file)
})
