import { UserError } from '../base/error.js'

/** The most pages of a listing, of a thousand files each; a T5's repository has one. */
const MOST_PAGES = 100
/** The most bytes of one answer, once decompressed; a thousand files take some 0.3 MB. */
const MOST_BYTES = 16 * 2 ** 20

/**
 * Returns a `fetch` for one listing at `at`, with a limit on the number of pages and on the bytes of each.
 * @throws UserError where the listing goes beyond
 */
export function listingFetch(at: string, inner: typeof fetch): typeof fetch {
  let pages = 0
  return async (url, init) => {
    if (++pages > MOST_PAGES) throw unlikely(at, `lists its files on more than ${MOST_PAGES} pages`)
    const response = await inner(url, init)
    const { status, statusText, headers } = response
    return new Response(await wholeBody(at, response), { status, statusText, headers: withoutCoding(headers) })
  }
}

async function wholeBody(at: string, response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!response.body) return null
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body) {
    bytes += piece.length
    if (bytes > MOST_BYTES) throw unlikely(at, `answers with more than ${MOST_BYTES} bytes`)
    pieces.push(piece)
  }
  return bytes === 0 ? null : new Uint8Array(Buffer.concat(pieces))
}

/** Removes the headers of the compression: the body is decompressed by now. */
function withoutCoding(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of ['content-encoding', 'content-length']) kept.delete(name)
  return kept
}

const unlikely = (at: string, what: string) =>
  new UserError({
    at,
    problem: `${what}, as no hub does.`,
    remedy: 'Check HF_ENDPOINT, and the network between you and it.',
  })
