import type { Socket } from 'node:net'

/** Of what the two sides say to each other; it changes whenever that does. */
export const PROTOCOL = 2

/** Bytes of a header at most. */
const HEADER_LIMIT = 1 << 16

export interface Frame {
  header: { kind: string; [key: string]: unknown }
  payload: Uint8Array
}

/** The other side closed the connection, or sent what this protocol does not have. */
export class ChannelError extends Error {}

/**
 * Frames over a socket: header length and payload length (uint32, little-endian), header (JSON with a `kind`), payload.
 * Nothing is allocated for a length that is over its limit.
 */
export class Channel {
  readonly #socket: Socket
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000) // a machine that vanished is noticed by TCP
    socket.on('error', () => {}) // whoever reads or writes is told
    this.#socket = socket
    this.#pieces = socket[Symbol.asyncIterator]()
  }

  get bytes(): { sent: number; received: number } {
    return { sent: this.#socket.bytesWritten, received: this.#socket.bytesRead }
  }

  /** Done when the system has taken it all. The payload's parts are not to be changed before. */
  async send(header: Frame['header'], ...payload: (Float32Array | Int32Array)[]): Promise<void> {
    const text = Buffer.from(JSON.stringify(header))
    const parts = payload.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32LE(text.length, 0)
    lengths.writeUInt32LE(
      parts.reduce((sum, part) => sum + part.length, 0),
      4,
    )
    await new Promise<void>((resolve, reject) => {
      this.#socket.cork()
      const pieces = [Buffer.concat([lengths, text]), ...parts]
      pieces.slice(0, -1).forEach((piece) => void this.#socket.write(piece))
      this.#socket.write(pieces.at(-1)!, (error) => (error ? reject(new ChannelError(reason(error))) : resolve()))
      this.#socket.uncork()
    })
  }

  /** The next frame. @throws ChannelError where there is none, or a payload has more bytes than the limit. */
  async receive(payloadLimit: number): Promise<Frame> {
    const lengths = new DataView((await this.#take(8)).buffer)
    const [headerLength, payloadLength] = [lengths.getUint32(0, true), lengths.getUint32(4, true)]
    if (headerLength > HEADER_LIMIT) throw new ChannelError(`a header of ${headerLength} bytes`)
    if (payloadLength > payloadLimit) throw new ChannelError(`a payload of ${payloadLength} bytes`)
    const header = parsed(await this.#take(headerLength))
    return { header, payload: await this.#take(payloadLength) }
  }

  async #take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const taken = new Uint8Array(length)
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) this.#rest = await this.#next()
      const piece = this.#rest.subarray(0, length - filled)
      taken.set(piece, filled)
      filled += piece.length
      this.#rest = this.#rest.subarray(piece.length)
    }
    return taken
  }

  async #next(): Promise<Buffer> {
    try {
      const { done, value } = await this.#pieces.next()
      if (!done) return value
    } catch (error) {
      throw new ChannelError(reason(error as Error))
    }
    throw new ChannelError('the connection was closed')
  }

  close(why?: Error): void {
    this.#socket.destroy(why)
  }
}

function parsed(bytes: Uint8Array): Frame['header'] {
  try {
    const header = JSON.parse(Buffer.from(bytes).toString())
    if (typeof header?.kind === 'string') return header
  } catch {
    // Said below.
  }
  throw new ChannelError('a header that is no JSON with a kind')
}

const REASONS: Record<string, string> = {
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ERR_STREAM_DESTROYED: 'the connection was closed',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was closed',
}

const reason = (error: NodeJS.ErrnoException): string => REASONS[error.code ?? ''] ?? error.message

/** The payload's numbers, which are little-endian as every platform that TensorFlow runs on. */
export const floats = ({ buffer, byteOffset }: Uint8Array, from: number, count: number): Float32Array =>
  new Float32Array(buffer, byteOffset + 4 * from, count)
export const integers = ({ buffer, byteOffset }: Uint8Array, from: number, count: number): Int32Array =>
  new Int32Array(buffer, byteOffset + 4 * from, count)
