import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface UploadRules {
  /** The model that is there before, if any. */
  exists?: { private: boolean }
  /** What the token may do: `read` cannot create or commit. */
  rights?: 'write' | 'read'
  /** The name belongs to a repository of another type. */
  taken?: boolean
  /** Files from so many bytes on go to the store of large files. */
  lfsFrom: number
}

/** A commit as it was sent. */
export interface SeenCommit {
  branch: string
  summary: string
  files: Record<string, Buffer>
}

/** The part of a hub that takes uploads, as huggingface.co does: info, create, branch, preupload, LFS and commit. */
export class Uploads {
  readonly commits: SeenCommit[] = []
  readonly branches = ['main']
  /** The repository as it is by now. */
  repository: { private: boolean } | undefined
  /** The `Authorization` with which each large file was stored. */
  readonly stored: (string | undefined)[] = []
  #rules: UploadRules
  #id: string
  #objects = new Map<string, Buffer>()

  constructor(id: string, rules: UploadRules) {
    this.#id = id
    this.#rules = rules
    this.repository = rules.exists
  }

  /** Answers a request of an upload; returns whether it was one. */
  answer(path: string, request: IncomingMessage, response: ServerResponse, url: string): boolean {
    const route = this.#routes(url).find(([method, pattern]) => method === request.method && pattern.test(path))
    if (!route) return false
    const [, pattern, work] = route
    void bodyOf(request).then((body) => {
      const [status, value] = work(body, decodeURIComponent(pattern.exec(path)![1] ?? ''), request)
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    })
    return true
  }

  #routes(url: string): [string, RegExp, (body: Buffer, part: string, request: IncomingMessage) => Answer][] {
    const api = `^/api/models/${this.#id}`
    return [
      ['GET', new RegExp(`${api}/revision/HEAD$`), () => this.#info()],
      ['POST', /^\/api\/repos\/create$/, (body) => this.#create(json(body))],
      ['POST', new RegExp(`${api}/branch/(.+)$`), (_, branch) => this.#branch(branch)],
      ['POST', new RegExp(`${api}/preupload/(.+)$`), (body, branch) => this.#preupload(json(body), branch)],
      ['POST', new RegExp(`^/${this.#id}\\.git/info/lfs/objects/batch$`), (body) => this.#batch(json(body), url)],
      ['PUT', /^\/store\/(\w+)$/, (body, oid, request) => this.#store(body, oid, request)],
      ['POST', new RegExp(`${api}/commit/(.+)$`), (body, branch) => this.#commit(body, branch)],
    ]
  }

  #info(): Answer {
    if (!this.repository) return refused(404, 'Repository not found')
    return [200, { _id: '1', id: this.#id, private: this.repository.private }]
  }

  #create({ name, organization, visibility }: Json): Answer {
    if (this.#rules.rights === 'read') return refused(403, 'You need write rights')
    if (this.#rules.taken) return refused(409, 'You already created this repo')
    if (`${organization}/${name}` !== this.#id) return refused(403, 'Not your namespace')
    this.repository = { private: visibility === 'private' }
    return [200, { url: `/${this.#id}`, id: '1' }]
  }

  #branch(branch: string): Answer {
    if (this.branches.includes(branch)) return refused(409, 'Reference already exists')
    this.branches.push(branch)
    return [200, {}]
  }

  #preupload({ files }: Json, branch: string): Answer {
    if (this.#rules.rights === 'read') return refused(403, 'You need write rights')
    if (!this.branches.includes(branch)) return refused(404, `Invalid rev id: ${branch}`)
    const mode = (size: number) => (size >= this.#rules.lfsFrom ? 'lfs' : 'regular')
    return [200, { files: files.map(({ path, size }: Json) => ({ path, uploadMode: mode(size) })) }]
  }

  #batch({ objects }: Json, url: string): Answer {
    const actions = ({ oid }: Json) => ({ upload: { href: `${url}/store/${oid}` } })
    const missing = (object: Json) => !this.#objects.has(object.oid)
    return [
      200,
      {
        transfer: 'basic',
        objects: objects.map((each: Json) => ({ ...each, ...(missing(each) && { actions: actions(each) }) })),
      },
    ]
  }

  #store(body: Buffer, oid: string, { headers }: IncomingMessage): Answer {
    if (createHash('sha256').update(body).digest('hex') !== oid) return refused(400, 'wrong hash')
    this.stored.push(headers.authorization)
    this.#objects.set(oid, body)
    return [200, {}]
  }

  #commit(body: Buffer, branch: string): Answer {
    const lines = body
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { summary } = lines.find(({ key }) => key === 'header').value
    const files: Record<string, Buffer> = {}
    for (const { key, value } of lines) {
      if (key === 'file') files[value.path] = Buffer.from(value.content, 'base64')
      if (key !== 'lfsFile') continue
      const content = this.#objects.get(value.oid)
      if (!content) return refused(400, `no object ${value.oid}`)
      files[value.path] = content
    }
    this.commits.push({ branch, summary, files })
    return [200, { success: true, commitOid: 'abc1234'.padEnd(40, '0'), commitUrl: '', hookOutput: '' }]
  }
}

type Answer = [number, object]
// biome-ignore lint/suspicious/noExplicitAny: as JSON is read
type Json = any

const json = (body: Buffer): Json => JSON.parse(body.toString())

const refused = (status: number, error: string): Answer => [status, { error }]

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces)
}
