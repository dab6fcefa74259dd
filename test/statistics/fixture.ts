import { readFileSync } from 'node:fs'

interface Fixture {
  mcnemar: { pair: [number, number]; exact: number; mid: number }[]
  holm: { p: number[]; corrected: number[] }[]
  quantiles: { normal: [number, number][]; t: [number, number, number][]; two_sided: [number, number, number][] }
  spearman: { x: number[]; y: number[]; counts: number[]; once: number; again: number }[]
  permutation: { a: number[]; b: number[]; p: number }[]
  spearman_permutation: { gold: number[]; a: number[]; b: number[]; p: number }
  bootstrap: {
    a: number[]
    b: number[]
    cases: { level: number; low: number; high: number }[]
    standard_error: number
  }
  welch: { a: number[]; b: number[]; p: number; df: number }[]
  power: { n: number; alpha: number; effect: number }[]
}

/** What test/oracle/paired.py has printed. */
export const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/statistics.json', import.meta.url), 'utf8'),
) as Fixture
