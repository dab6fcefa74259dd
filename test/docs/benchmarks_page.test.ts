import { describe, expect, test } from 'vitest'
import { tables } from '../../bench/benchmarks_page.js'
import { compared, type SideResult } from '../../bench/sides.js'

const side = (name: string, seconds: number[], peak_bytes: number[], load: number): SideResult => ({
  ...{ name, seconds, peak_bytes, load_averages: seconds.map(() => load) },
  printed: [],
})

test('our median and largest peak are compared with the fastest and the smallest of the others', () => {
  const ours = side('ours', [3, 9, 4], [100, 120, 110], 1)
  const spinning = side('PyTorch', [8, 10, 30], [300, 200, 250], 2)
  const passive = side('PyTorch, passive waiting', [12, 16, 14], [160, 240, 200], 3)
  expect(compared([ours, spinning, passive])).toEqual({
    ...{ seconds: 4, torch_seconds: 10, time_ratio: 0.4 },
    ...{ peak_bytes: 120, torch_peak_bytes: 240, memory_ratio: 0.5, load_average: 2 },
  })
})

describe('the page', () => {
  const GIB = 2 ** 30
  const row = (method: string, precision: string, step_ms: number, torch_step_ms: number | null) => ({
    ...{ method, precision, step_ms, torch_step_ms, step_ms_spread: 10, trained_parameters: 12_345, device: 'CPU' },
    ...{ torch: 'PyTorch 2', backbone: 't5-base', batch_size: 8, source_length: 128, target_length: 4, changes: [] },
    ...{ time_ratio: torch_step_ms && step_ms / torch_step_ms, memory_ratio: torch_step_ms && 0.5, load_average: 0.3 },
    ...{ peak_bytes: step_ms * 1e6, torch_peak_bytes: torch_step_ms && 4 * GIB },
  })
  const whole = { seconds: 10, torch_seconds: 40, time_ratio: 0.25, peak_bytes: GIB, torch_peak_bytes: 2 * GIB }
  const sides = { ...whole, memory_ratio: 0.5, load_average: 0.3 }
  const training = { backbone: 't5-nano', method: 'adapter', task: 'mrpc', precision: 'float32', steps: 345 }
  const tokenised = { sentences: 119_146, distinct_words: 82_199, tokens: 2_593_789, sentences_per_second: 50_001 }
  const page = tables({
    'step-float32-full': [row('full', 'float32', 4000, 5000)],
    'step-float32-compacter': [row('compacter', 'float32', 2000, 4000)],
    'step-bfloat16-full': [row('full', 'bfloat16', 3000, 4000)],
    'step-bfloat16-intrinsic-said': [row('intrinsic-said', 'bfloat16', 6000, null)],
    'training-t5-nano-adapter': [
      { ...training, ...sides, evaluations: 4, trained_parameters: 75_392, score: 78.25, torch_score: 77.5 },
    ],
    'encoder-step-bfloat16-64': [
      { ...row('lora', 'bfloat16', 900, 1000), backbone: 'bert-base-uncased', source_length: 64 },
    ],
    'predict-float32': { ...sides, precision: 'float32', rows: 10_000, differing: 1 },
    'predict-bfloat16': { ...sides, precision: 'bfloat16', rows: 10_000, differing: 2 },
    tokenise: { ...tokenised, stored_seconds: 2.38, peak_bytes: GIB / 4, load_average: 0.3 },
  })

  test('compares each step with that of full fine-tuning in the same precision, the paper and PyTorch', () => {
    expect(page).toContain(
      '| compacter | 12,345 | 2,000 ms | 10 ms | 0.50 × | 0.87 × | 4,000 ms | 0.50 × ' +
        '| 1.86 GiB | 0.50 × |  | 4.00 GiB | 0.50 × | 0.3 |',
    )
    expect(page).toContain(
      '| intrinsic-said | 12,345 | 6,000 ms | 10 ms | 2.00 × |  |  |  | 5.59 GiB | 2.00 × | 1.41 × |  |  | 0.3 |',
    )
  })

  test('has the steps of an encoder at each length', () => {
    expect(page).toContain(
      '| lora | bfloat16 | 64 | 900 ms | 10 ms | 1,000 ms | 0.90 × | 0.84 GiB | 4.00 GiB | 0.50 × | 0.3 |',
    )
  })

  test('leaves out tables of what was not measured, and names it', () => {
    const part = tables({ 'predict-float32': { ...sides, precision: 'float32', rows: 10, differing: 0 } }, ['tokenise'])
    expect(part).toMatch(/^Not measured: tokenise\.\n\n### Predictions\n/)
    expect(part).not.toContain('A step')
  })

  test('has whole trainings, predictions and tokenising', () => {
    const cells = '10.0 s | 40.0 s | 0.25 × | 1.00 GiB | 2.00 GiB | 0.50 × | 0.3'
    expect(page).toContain(`| adapter, t5-nano, mrpc, float32 | 345 | 4 | ${cells} | 78.3 | 77.5 |`)
    expect(page).toContain(`| float32 | 10,000 | ${cells} | 1 |\n| bfloat16 | 10,000 | ${cells} | 2 |`)
    expect(page).toContain('| 119,146 | 82,199 | 2,593,789 | 2.38 s | 50,001 | 0.25 GiB | 0.3 |')
  })
})
