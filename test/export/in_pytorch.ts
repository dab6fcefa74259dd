import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { packageRoot } from '../../src/base/root.js'
import { batch } from './made_run.js'

/** A Python with torch and transformers; the tests that need one are left out without it. */
export const python = process.env.COMPACTER_ORACLE_PYTHON

const rows = (ids: Int32Array, length: number) =>
  JSON.stringify(
    Array.from({ length: ids.length / length }, (_, row) => [...ids.subarray(row * length, (row + 1) * length)]),
  )

/**
 * The logits of exported folders as test/oracle/export_logits.py computes them, on the quickstart's backbone unless
 * given.
 */
export async function logitsInPyTorch(
  exports: { format: string; out: string; backbone?: string }[],
): Promise<number[][]> {
  const script = join(packageRoot, 'test/oracle/export_logits.py')
  const ids = [
    rows(batch.inputs.source, batch.lengths.source),
    rows(batch.inputs.target as Int32Array, batch.lengths.target),
  ]
  const nano = await locateBackbone('t5-nano')
  const each = exports.flatMap(({ format, out, backbone = nano }) => [backbone, format, out])
  const args = [script, ...ids, ...each]
  const output = execFileSync(python!, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 29,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return JSON.parse(output)
}
