import { once } from 'node:events'
import { UserError } from '../../error.js'
import { readText } from '../../read.js'
import { version } from '../../root.js'
import { keepSecret } from '../../secrets.js'
import { startDevice } from '../device.js'
import { loadLibrary } from '../replay/library.js'
import { loadedTensorflow } from '../tensorflow.js'
import { parseAddress } from './hosts.js'
import { startWorker } from './worker.js'

export interface ServeOptions {
  /** HOST:PORT */
  listen: string
  /** A file with the secret; COMPACTER_WORKER_TOKEN where it is not given. */
  tokenFile: string | undefined
  threads: number | undefined
  log: (line: string) => void
}

const UNENCRYPTED =
  'What it says and hears is not encrypted: let it be reached through an SSH tunnel or a private network only.'

/** Is a worker until a signal ends it. */
export async function serve({ listen, tokenFile, threads, log }: ServeOptions): Promise<void> {
  const address = parseAddress(listen)
  if (!address) {
    throw new UserError({
      at: `--listen ${listen}`,
      problem: 'is no address.',
      remedy: 'HOST:PORT was expected, as 127.0.0.1:7222.',
    })
  }
  const token = tokenFile ? readToken(tokenFile) : process.env.COMPACTER_WORKER_TOKEN || undefined
  const device = await startDevice({ engine: 'tensorflow', ...(threads && { threads }) })
  const worker = await startWorker({
    listen: address,
    token,
    threads: device.threads,
    library: loadLibrary(loadedTensorflow()!.engine),
    versions: { compacter: version, tensorflow: device.version },
    log,
  })
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  log(
    `Worker on ${worker.address}, ${token ? 'for those with the token' : 'for everyone on this machine'}. ${device.description}.`,
  )
  log(UNENCRYPTED)
  await ended
  worker.close()
  process.exit(0) // not after a step that may still compute
}

function readToken(file: string): string {
  let token: string
  try {
    token = readText(file, { named: true }).trim()
  } catch (error) {
    throw new UserError(
      { at: `--token-file ${file}`, problem: `can't be read: ${(error as Error).message}.` },
      { cause: error },
    )
  }
  keepSecret(token)
  if (token) return token
  throw new UserError({
    at: `--token-file ${file}`,
    problem: 'is empty.',
    remedy: 'Make one: openssl rand -hex 32 > FILE.',
  })
}
