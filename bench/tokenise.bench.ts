// Time and memory of tokenising pairs of questions of about QQP's lengths into the store on disk, and of opening it
// again.   npx tsx bench/tokenise.bench.ts [rows]
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer } from '../src/backbone/files/tokenizer.js'
import { randperm } from '../src/base/numbers/random.js'
import { packageRoot } from '../src/base/root.js'
import { readTable } from '../src/task/rows/table.js'
import { openTokenStore, type TokenStore } from '../src/task/tokens/token_store.js'
import type { TextPair } from '../src/task/tokens/tokenise.js'

const rows = Number(process.argv[2] ?? 100_000)
const tokenizerFile = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')
const folder = mkdtempSync(join(tmpdir(), 'compacter-bench-'))
try {
  const file = writePairs(join(folder, 'pairs.jsonl'))
  const cache = join(folder, 'tokens')
  const tokenizer = await loadTokenizer(tokenizerFile)
  const key = { files: [file], text: 'pairs', tokenizerFile }
  const limits = { source: 128, target: 8 }
  const open = (inMemory?: number) =>
    openTokenStore(key, () => pairs(file), tokenizer, limits, { cache, ...(inMemory !== undefined && { inMemory }) })
  console.log(`${rows} pairs, ${megabytes(statSync(file).size)} of JSONL; memory before: ${megabytes(resident())}`)
  ;(await timed('read, tokenised and stored', () => open())).close()
  console.log(`the store has ${megabytes(statSync(join(cache, readdirSync(cache)[0]!)).size)}`)
  const inMemory = await timed('opened again, in memory', () => open())
  await timed('every row in random order, from memory', () => readAll(inMemory))
  const onDisk = await timed('opened again, on disk', () => open(0))
  await timed('every row in random order, from disk', () => readAll(onDisk))
} finally {
  rmSync(folder, { recursive: true })
}

/** Two questions of 6 to 16 words from the bundled reviews, and a label. */
function writePairs(file: string): string {
  const reviews = readFileSync(join(packageRoot, 'configs/tasks/rotten-tomatoes/train.jsonl'), 'utf8')
  const words = reviews
    .trim()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as { text: string }).text.split(' '))
  const places = randperm(words.length - 16, 0)
  const fd = openSync(file, 'w')
  let drawn = 0
  const question = () => {
    const place = places[drawn++ % places.length]!
    return `${words.slice(place, place + 6 + (drawn % 11)).join(' ')}?`
  }
  for (let row = 0; row < rows; row++) {
    writeSync(fd, `${JSON.stringify({ question1: question(), question2: question(), label: row % 2 })}\n`)
  }
  closeSync(fd)
  return file
}

async function* pairs(file: string): AsyncGenerator<TextPair> {
  for await (const row of readTable(file)) {
    if ('problem' in row) throw new Error(row.problem)
    const { question1, question2, label } = row.values
    yield { source: `question1: ${question1} question2: ${question2}`, target: String(label) }
  }
}

function readAll(store: TokenStore): void {
  for (const row of randperm(store.rows, 1)) {
    store.source(row)
    store.target(row)
  }
}

async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const [start, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const seconds = ((performance.now() - start) / 1000).toFixed(2)
  const { user, system } = process.cpuUsage(used)
  const peak = megabytes(process.resourceUsage().maxRSS * 1024)
  console.log(`${what}: ${seconds} s (processor ${((user + system) / 1e6).toFixed(2)} s), peak memory ${peak}`)
  return result
}

function resident(): number {
  return process.memoryUsage().rss
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
