import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../src/base/root.js'
import { python as transformers } from '../in_pytorch.js'
import { rows } from './made_encoder.js'

interface ExportedEncoder {
  format: string
  out: string
  head: 'labels' | 'number' | 'choice' | 'tags'
  /** The folder of the backbone; not read where the export has it. */
  backbone?: string
}

/** The logits of exported encoders as test/oracle/export_encoder_logits.py computes them. */
export function encoderLogitsInPyTorch(exports: ExportedEncoder[], python = transformers): number[][] {
  const script = join(packageRoot, 'test/oracle/export_encoder_logits.py')
  const listed = (values: Int32Array) =>
    Array.from({ length: values.length / rows.length }, (_, row) => [
      ...values.subarray(row * rows.length, (row + 1) * rows.length),
    ])
  const input = JSON.stringify({ input_ids: listed(rows.ids), token_type_ids: listed(rows.types), exports })
  return JSON.parse(runPython([script], input, python))
}

/** Returns what the Python in these folders' READMEs prints, run in each as it is, or as `changed` returns it. */
export function printedByReadmes(
  outs: string[],
  python = transformers,
  changed: (code: string, index: number) => string = (code) => code,
): string[] {
  const blocks = outs.map((out, i) => {
    const [, code] = /```python\n([\s\S]*?)```/.exec(readFileSync(join(out, 'README.md'), 'utf8'))!
    return `import os\nos.chdir(${JSON.stringify(out)})\n${changed(code!, i)}`
  })
  return runPython(['-'], blocks.join('\n'), python).trim().split('\n')
}

const runPython = (args: string[], input: string, python: string | undefined): string =>
  execFileSync(python!, args, { input, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'pipe'] })
