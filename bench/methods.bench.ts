// Every method of the paper on t5-nano and Rotten Tomatoes, one after the other, each in a process of its own:
// validation accuracy, trained parameters, time a step, peak memory. Writes docs/results/methods.{json,md} and two
// plots.   npm run build && npx tsx bench/methods.bench.ts [steps, default 300]
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { presetNames } from '../src/base/presets.js'
import { packageRoot } from '../src/base/root.js'
import type { Result } from '../src/run/directory.js'
import { plots } from './plots.bench.js'

const steps = Number(process.argv[2] ?? 300)
const folder = mkdtempSync(join(tmpdir(), 'methods-'))
const out = join(packageRoot, 'docs', 'results')

/** t5-nano has four layers, where adapterdrop leaves the first five out. */
const settings: Record<string, string[]> = {
  adapterdrop: ['method.placement.encoder_layers=2-', 'method.placement.decoder_layers=2-'],
}

const rows = presetNames('methods').map((method) => {
  const run = join(folder, method)
  const sets = [
    `method=${method}`,
    `training.steps=${steps}`,
    `training.warmup_steps=${Math.floor(steps / 10)}`,
    `training.evaluate_every=${steps}`,
    ...(settings[method] ?? []),
  ]
  const flags = sets.flatMap((set) => ['--set', set])
  const command = [join(packageRoot, 'bin/run.js'), 'train', 'quickstart', '--json', '--run-dir', run, ...flags]
  const result: Result = JSON.parse(
    execFileSync(process.execPath, command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  console.error(method, result.validation, result.step_seconds)
  return { method, ...result }
})

const { device, engine_mode } = JSON.parse(readFileSync(join(folder, rows[0]!.method, 'manifest.json'), 'utf8'))
const table = [
  '| method | validation accuracy | test accuracy | trained parameters | share | ms a step | peak memory |',
  '|---|---|---|---|---|---|---|',
  ...rows.map(
    (row) =>
      `| ${row.method} | ${row.validation.accuracy!.toFixed(2)} | ${row.test.accuracy!.toFixed(2)} | ` +
      `${row.trained_parameters.toLocaleString('en')} | ${row.share_percent.toPrecision(3)} % | ` +
      `${Math.round(row.step_seconds! * 1000)} | ${(row.peak_memory_bytes / 2 ** 30).toFixed(2)} GiB |`,
  ),
]
mkdirSync(out, { recursive: true })
writeFileSync(join(out, 'methods.json'), `${JSON.stringify({ steps, device, rows }, null, 2)}\n`)
writeFileSync(
  join(out, 'methods.md'),
  `# All methods, measured\n\n\`npx tsx bench/methods.bench.ts ${steps}\`: t5-nano, Rotten Tomatoes, ${steps} ` +
    `steps of 32 rows, one seed, each method's own\nlearning rate, ${engine_mode} steps. ${device}. Times are ` +
    'medians, on a machine that other work shared.\nt5-nano has four layers: adapterdrop leaves out the first ' +
    `two of each stack, not five.\n\n${table.join('\n')}\n\n![accuracy against ` +
    'parameters](methods-scatter.svg)\n\n![accuracy](methods-bars.svg)\n\n`npx tsx bench/plots.bench.ts` draws ' +
    'the plots of this folder anew, of the figures beside them.\n',
)
for (const [name, drawing] of Object.entries(await plots())) writeFileSync(join(out, name), drawing)
