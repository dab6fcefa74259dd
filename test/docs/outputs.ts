import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import { documented, shownCommands } from './blocks.js'
import { onTerminal } from './terminal.js'

/** Documents, relative to the package, that show commands with their output. */
export const documents = [
  'README.md',
  ...readdirSync(join(packageRoot, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md') && shownCommands(read(name)).length > 0)

export function read(document: string): string {
  return readFileSync(join(packageRoot, document), 'utf8')
}

/** A folder with the run that `npm run quickstart` trains, and with the programs that readers call. */
export async function trainedQuickstart(): Promise<string> {
  const folder = readersFolder()
  const { code, text } = await output('compacter train quickstart', folder)
  if (code !== 0) throw new Error(text)
  return folder
}

/** A folder with the programs that readers call: `compacter`, and npx as it is where `compacter` is installed. */
export function readersFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-docs-')))
  const run = join(packageRoot, 'bin', 'run.js')
  program(folder, 'compacter', `COMPACTER_COMMAND=compacter exec '${process.execPath}' '${run}' "$@"`)
  program(folder, 'npx', 'exec "$@"')
  mkdirSync(join(folder, 'runs'))
  return folder
}

function program(folder: string, name: string, script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'bin', name), 0o755)
}

type Run = (command: string, folder: string) => Promise<{ text: string }>

/**
 * Runs a document's commands in their order, in a folder of its own that has the quickstart's run; gives their outputs,
 * of a pipe or of what else `run` runs them in.
 */
export async function outputsOf(document: string, quickstart: string, run: Run = output): Promise<string[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-docs-')))
  for (const part of ['bin', 'runs']) cpSync(join(quickstart, part), join(folder, part), { recursive: true })
  const outputs: string[] = []
  for (const { command } of shownCommands(read(document)))
    outputs.push(documented((await run(command, folder)).text, folder))
  rmSync(folder, { recursive: true })
  return outputs
}

/** As `output`, on a terminal of so many columns. */
export const onColumns =
  (columns: number): Run =>
  async (command, folder) => {
    const { lines } = await onTerminal(command, { columns, cwd: folder, env: { PATH: pathOf(folder) } })
    return { text: lines.join('\n') }
  }

const pathOf = (folder: string) => `${join(folder, 'bin')}${delimiter}${process.env.PATH}`

/** What a command of the shell prints: its standard output, and where it fails its errors too. */
function output(command: string, folder: string): Promise<{ code: number | null; text: string }> {
  const child = spawn('bash', ['-c', command], {
    cwd: folder,
    env: { ...process.env, PATH: pathOf(folder) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (part) => (text.stdout += part))
  child.stderr.setEncoding('utf8').on('data', (part) => (text.stderr += part))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text: code === 0 ? text.stdout : text.stdout + text.stderr }))
  })
}
