import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** The command of an installed Chromium or Chrome; undefined where there is none. */
export const chromium: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].find((command) => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore', timeout: 20_000 })
    return true
  } catch {
    return false
  }
})

export interface Browser {
  /** Sends a command of the DevTools protocol to the page. */
  send(method: string, params?: object): Promise<Record<string, unknown>>
  /** What the page's console and the browser's log said since the start. */
  complaints: string[]
  /** Addresses that the page asked for. */
  requests: string[]
  close(): Promise<void>
}

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { message: string }
}

/** Starts a headless browser with one page and speaks to it through pipes: messages of JSON, each ended by a zero. */
export async function startBrowser(command: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'browser-'))
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
  ]
  const child = spawn(command, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const browser = connect(child)
  const { targetInfos } = (await browser.send('Target.getTargets')) as {
    targetInfos: { type: string; targetId: string }[]
  }
  const { targetId } = targetInfos.find(({ type }) => type === 'page')!
  const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
  const send = (method: string, params?: object) => browser.send(method, params, sessionId as string)
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`)
  const close = async () => {
    const ended = new Promise((done) => child.once('exit', done))
    child.kill()
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return { send, complaints: browser.complaints, requests: browser.requests, close }
}

function connect(child: ChildProcess) {
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  const waiting = new Map<number, (message: Message) => void>()
  const complaints: string[] = []
  const requests: string[] = []
  let rest = ''
  let last = 0
  output.setEncoding('utf8')
  output.on('data', (text: string) => {
    const messages = (rest + text).split('\0')
    rest = messages.pop()!
    for (const message of messages) receive(JSON.parse(message))
  })
  child.once('exit', () => {
    for (const answer of waiting.values()) answer({ error: { message: 'the browser has ended' } })
  })
  function receive(message: Message): void {
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    if (['Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded'].includes(message.method ?? ''))
      complaints.push(JSON.stringify(message.params))
    if (message.method === 'Network.requestWillBeSent')
      requests.push((message.params as { request: { url: string } }).request.url)
  }
  const send = (method: string, params: object = {}, sessionId?: string) =>
    new Promise<Record<string, unknown>>((done, fail) => {
      const id = ++last
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error) fail(new Error(`${method}: ${error.message}`))
        else done(result!)
      })
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`)
    })
  return { send, complaints, requests }
}
