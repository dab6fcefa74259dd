import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { type UploadRules, Uploads } from './hub-uploads.js'

export interface HubServerOptions {
  /** The repository's files by path. */
  files: Record<string, Buffer>
  id?: string
  type?: 'model' | 'dataset'
  /** Files from so many bytes on are stored as LFS: redirected, and named by SHA-256. */
  lfsFrom?: number
  /** The token to be sent; without it 401, with another one 401. */
  token?: string
  /** Answers every request for the repository with this status. */
  status?: number
  /** Who may upload, and what is there before. */
  uploads?: Omit<UploadRules, 'lfsFrom'>
}

export interface SeenRequest {
  method: string
  path: string
  range: string | undefined
  token: string | undefined
  /** Bytes of content sent. */
  sent: number
}

/**
 * A hub on 127.0.0.1 that serves one repository as huggingface.co does: revision, tree, resolve with redirects and
 * ranges; and that takes uploads to it.
 */
export class HubServer {
  readonly commit = 'c0ffee'.padEnd(40, '0')
  readonly requests: SeenRequest[] = []
  /** Bytes after which the next so many responses for a path are cut. */
  readonly cuts = new Map<string, { after: number; times: number }>()
  /** Answers every range request with the whole file, as some mirrors do. */
  ignoreRange = false
  status: number | undefined
  readonly uploads: Uploads
  #server: Server
  #files: Map<string, Buffer>
  #id: string
  #type: 'model' | 'dataset'
  #lfsFrom: number
  #token: string | undefined

  constructor({ files, id = 'someone/t5-tiny', type = 'model', lfsFrom = 10_000, ...rules }: HubServerOptions) {
    const { token, status, uploads } = rules
    this.#files = new Map(Object.entries(files))
    this.#id = id
    this.#type = type
    this.#lfsFrom = lfsFrom
    this.#token = token
    this.status = status
    this.uploads = new Uploads(id, { lfsFrom, ...uploads })
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What a file's URL gives from now on; the listing keeps the size and hash of before. */
  corrupt(path: string, content: Buffer): void {
    this.#corrupted.set(path, content)
  }
  #corrupted = new Map<string, Buffer>()

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path, searchParams } = new URL(request.url!, this.url)
    const token = request.headers.authorization?.replace('Bearer ', '')
    const seen = { method: request.method!, path, range: request.headers.range, token, sent: 0 }
    this.requests.push(seen)
    if (this.status) refuse(response, this.status)
    else if (path.startsWith('/store/') && this.uploads.answer(path, request, response, this.url)) return
    else if (this.#token && token !== this.#token) refuse(response, 401)
    else if (this.uploads.answer(path, request, response, this.url)) return
    else this.#route(path, request, response, seen, searchParams.get('recursive') === 'true')
  }

  #route(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    seen: SeenRequest,
    recursive: boolean,
  ): void {
    const id = this.#id
    const content = `${this.#type === 'dataset' ? '/datasets' : ''}/${id}/resolve/${this.commit}/`
    const name = path.startsWith(content) ? path.slice(content.length) : ''
    const tree = `/api/${this.#type}s/${id}/tree/${this.commit}`
    const blob = [...this.#files.keys()].find((each) => path === `/cdn/${sha256(this.#files.get(each)!)}`)
    if (path === `/api/${this.#type}s/${id}/revision/main`) json(response, { _id: '1', id, sha: this.commit })
    else if (path === tree || path.startsWith(`${tree}/`))
      json(response, this.#tree(path.slice(tree.length + 1), recursive))
    else if (this.#files.has(name)) this.#resolve(name, request, response, seen)
    else if (blob) this.#send(blob, request, response, seen)
    else refuse(response, 404)
  }

  /** The files right under a folder, or all in it; folders in it are left out. */
  #tree(folder: string, recursive: boolean): object[] {
    const below = (path: string) => recursive && (folder === '' || path.startsWith(`${folder}/`))
    const inside = [...this.#files].filter(([path]) => below(path) || dirname(path) === (folder || '.'))
    return inside.map(([path, content]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: gitHash(content),
      ...(this.#isLfs(content) && { lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } }),
    }))
  }

  #isLfs(content: Buffer): boolean {
    return content.length >= this.#lfsFrom
  }

  #resolve(name: string, request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
    const content = this.#files.get(name)!
    response.setHeader('X-Repo-Commit', this.commit)
    if (!this.#isLfs(content)) {
      this.#send(name, request, response, seen)
      return
    }
    response.setHeader('X-Linked-Size', content.length)
    response.setHeader('X-Linked-ETag', `"${sha256(content)}"`)
    response.writeHead(302, { Location: `/cdn/${sha256(content)}` }).end()
  }

  #send(name: string, request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
    const content = this.#corrupted.get(name) ?? this.#files.get(name)!
    const range = this.ignoreRange ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const start = range ? Number(range[1]) : 0
    if (range && start >= content.length) {
      refuse(response, 416)
      return
    }
    response.setHeader('Content-Length', content.length - start)
    response.setHeader('ETag', `"${gitHash(content)}"`)
    if (range) response.setHeader('Content-Range', `bytes ${start}-${content.length - 1}/${content.length}`)
    response.writeHead(range ? 206 : 200)
    const cut = this.cuts.get(name)
    if (request.method === 'HEAD') response.end()
    else if (!cut || cut.times-- <= 0) {
      seen.sent = content.length - start
      response.end(content.subarray(start))
    } else {
      const part = content.subarray(start, start + cut.after)
      seen.sent = part.length
      response.write(part, () => setTimeout(() => response.destroy(), 20)) // the part must leave before the cut
    }
  }
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}

function refuse(response: ServerResponse, status: number): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ error: `refused: ${status}` }))
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
}
