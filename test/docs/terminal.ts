import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import xterm from '@xterm/headless'
import { quoted } from '../../src/base/command_line.js'

/** What somebody sees on a terminal. */
export interface Seen {
  code: number | null
  /** Lines as they were written: what the terminal folds is put together again. */
  lines: string[]
  /** Those that the terminal had to fold. */
  folded: string[]
}

interface Options {
  columns: number
  cwd: string
  env?: NodeJS.ProcessEnv
  /** Whether standard error is on the terminal too; else it is told below, where the command failed. */
  stderr?: boolean
}

const ROWS = 50
/** More lines than any command of the documentation prints. */
const SCROLLBACK = 5000

/** Runs a command of bash on a terminal of so many columns, which util-linux's `script` makes, and reads its screen. */
export async function onTerminal(command: string, { columns, cwd, env, stderr = false }: Options): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-terminal-'))
  const errors = join(folder, 'stderr')
  const aside = stderr ? '' : ` 2>${quoted(errors)}`
  const inside = `stty cols ${columns} rows ${ROWS}; (${command}\n) </dev/null${aside}`
  const child = spawn('script', ['-qec', `bash -c ${quoted(inside)}`, '/dev/null'], {
    cwd,
    env: { ...process.env, ...env, TERM: 'xterm-256color', CI: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const screen = await screenOf(Buffer.concat(chunks), columns)
  const told = code !== 0 && !stderr ? readFileSync(errors, 'utf8').trimEnd().split('\n') : []
  rmSync(folder, { recursive: true })
  return { code, ...screen, lines: [...screen.lines, ...told] }
}

async function screenOf(output: Buffer, columns: number): Promise<Pick<Seen, 'lines' | 'folded'>> {
  const terminal = new xterm.Terminal({ cols: columns, rows: ROWS, scrollback: SCROLLBACK, allowProposedApi: true })
  await new Promise<void>((done) => terminal.write(output, done))
  const { active } = terminal.buffer
  const lines: string[] = []
  const folded = new Set<number>()
  for (let y = 0; y < active.length; y++) {
    const line = active.getLine(y)!
    const text = line.translateToString(false)
    if (!line.isWrapped) lines.push(text)
    else {
      lines[lines.length - 1] += text
      folded.add(lines.length - 1)
    }
  }
  terminal.dispose()
  const trimmed = lines.map((line) => line.trimEnd())
  const end = trimmed.findLastIndex((line) => line !== '')
  return { lines: trimmed.slice(0, end + 1), folded: [...folded].map((i) => trimmed[i]!) }
}
