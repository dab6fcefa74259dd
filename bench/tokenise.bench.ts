// Sentences a second that are read, tokenised and stored on disk, and the time of opening the store again.
//   npx tsx bench/tokenise.bench.ts [--json] [FILE…]
// The sentences are all distinct texts of three words or more in the files (.jsonl, .tsv, .csv, .parquet), by default
// those of the bundled reviews: a repeated row would flatter the tokenizer, which keeps the ids of words it has met.
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadTokenizer } from '../src/backbone/files/tokenizer.js'
import { randperm } from '../src/base/numbers/random.js'
import { packageRoot } from '../src/base/root.js'
import { readTable } from '../src/task/rows/table.js'
import type { TextRow } from '../src/task/tokens/reader.js'
import { openTokenStore, type TokenStore } from '../src/task/tokens/token_store.js'
import { textReader } from '../src/task/tokens/tokenise.js'

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
const reviews = ['train', 'validation', 'test'].map((split) =>
  join(packageRoot, `configs/tasks/rotten-tomatoes/${split}.jsonl`),
)
const tokenizerFile = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')
const folder = mkdtempSync(join(tmpdir(), 'compacter-bench-'))
try {
  const measured = await measure(await distinctTexts(positionals.length > 0 ? positionals : reviews))
  if (flags.json) console.log(JSON.stringify(measured, null, 2))
  else for (const [what, value] of Object.entries(measured)) console.log(`${what}: ${value.toLocaleString('en')}`)
} finally {
  rmSync(folder, { recursive: true })
}

async function measure(texts: Set<string>) {
  const file = writeTexts(texts)
  const tokenizer = await loadTokenizer(tokenizerFile)
  const cache = join(folder, 'tokens')
  const key = { files: [file], text: 'sentences', tokenizerFile }
  const limits = { source: 128, target: 8 }
  const open = (inMemory?: number) =>
    openTokenStore(key, () => pairs(file), textReader(tokenizer, limits), {
      cache,
      ...(inMemory !== undefined && { inMemory }),
    })
  const before = process.memoryUsage().rss
  const stored = await timed(() => open())
  const peak = process.resourceUsage().maxRSS * 1024
  const again = await timed(() => open())
  const fromMemory = await timed(() => readAll(again.result))
  const fromDisk = await timed(async () => readAll(await open(0)))
  return {
    sentences: texts.size,
    distinct_words: new Set([...texts].flatMap((text) => text.split(' '))).size,
    tokens: stored.result.sourceLengths.reduce((sum, length) => sum + length, 0),
    sentences_per_second: Math.round(texts.size / stored.seconds),
    stored_seconds: stored.seconds,
    stored_processor_seconds: stored.processorSeconds,
    memory_before_bytes: before,
    peak_bytes: peak,
    store_bytes: statSync(join(cache, readdirSync(cache).find((name) => name.endsWith('.tokens'))!)).size,
    opened_seconds: again.seconds,
    all_rows_from_memory_seconds: fromMemory.seconds,
    all_rows_from_disk_seconds: fromDisk.seconds,
    load_average: loadavg()[0]!,
  }
}

async function distinctTexts(files: string[]): Promise<Set<string>> {
  const texts = new Set<string>()
  for (const file of files)
    for await (const row of readTable(file))
      for (const value of Object.values('problem' in row ? {} : row.values))
        if (typeof value === 'string' && /\S +\S+ +\S/.test(value)) texts.add(value)
  return texts
}

function writeTexts(texts: Set<string>): string {
  const file = join(folder, 'sentences.jsonl')
  const fd = openSync(file, 'w')
  let row = 0
  for (const text of texts) writeSync(fd, `${JSON.stringify({ text, label: row++ % 2 })}\n`)
  closeSync(fd)
  return file
}

async function* pairs(file: string): AsyncGenerator<TextRow> {
  for await (const row of readTable(file)) {
    if ('problem' in row) throw new Error(row.problem)
    yield { source: `sentence: ${row.values.text}`, target: String(row.values.label) }
  }
}

function readAll(store: TokenStore): void {
  for (const row of randperm(store.rows, 1)) {
    store.source(row)
    store.target(row)
  }
}

async function timed<T>(work: () => T | Promise<T>) {
  const [start, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { user, system } = process.cpuUsage(used)
  return { result, seconds: (performance.now() - start) / 1000, processorSeconds: (user + system) / 1e6 }
}
