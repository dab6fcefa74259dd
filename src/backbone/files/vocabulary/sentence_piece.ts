import { UserError } from '../../../base/error.js'

/** What is read of a SentencePiece model. */
export interface SentencePiece {
  pieces: { text: string; score: number; kind: number }[]
  /** The id of the token for what no piece matches. */
  unknown: number
}

/** Kinds of pieces, and the kind of model that has scores. */
export const [CONTROL, USER_DEFINED, UNIGRAM] = [3, 4, 1]

/** A field of a protobuf message: a whole number, or the bytes of anything else. */
type Field = { number: number; value: number | Buffer }

/**
 * Reads a SentencePiece model, a protobuf message:
 * https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto. The normaliser that it holds is
 * left aside, as transformers' DebertaV2Tokenizer leaves it.
 * @throws UserError where `bytes` are no such message, or the model is not of the kind Unigram.
 */
export function readSentencePiece(bytes: Buffer, at: string): SentencePiece {
  const model: SentencePiece = { pieces: [], unknown: 0 }
  let kind = UNIGRAM
  for (const { number, value } of fieldsOf(bytes, at)) {
    if (typeof value === 'number') continue
    if (number === 1) model.pieces.push(pieceOf(value, at))
    if (number !== 2) continue
    for (const field of fieldsOf(value, at)) {
      if (typeof field.value !== 'number') continue
      if (field.number === 3) kind = field.value
      if (field.number === 40) model.unknown = field.value
    }
  }
  if (kind === UNIGRAM) return model
  throw new UserError({
    at,
    problem: `is a SentencePiece model of the kind ${kind}; DeBERTa's are of the kind ${UNIGRAM}, Unigram.`,
    remedy: 'Take all files from the same model.',
  })
}

function pieceOf(bytes: Buffer, at: string): SentencePiece['pieces'][number] {
  const piece = { text: '', score: 0, kind: 1 }
  for (const { number, value } of fieldsOf(bytes, at)) {
    if (number === 1 && typeof value !== 'number') piece.text = value.toString('utf8')
    if (number === 2 && typeof value !== 'number' && value.length === 4) piece.score = value.readFloatLE(0)
    if (number === 3 && typeof value === 'number') piece.kind = value
  }
  return piece
}

/** Yields the fields of a message, one after the other. */
function* fieldsOf(bytes: Buffer, at: string): Generator<Field> {
  let offset = 0
  const wholeNumber = (): number => {
    let value = 0
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const byte = bytes[offset++]
      if (byte === undefined) break
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    // Negative numbers take ten bytes. None is asked for: ids that are not there are -1.
    if (offset > bytes.length) throw damaged(at)
    while (bytes[offset++]! >= 128);
    return -1
  }
  while (offset < bytes.length) {
    const tag = wholeNumber()
    const type = tag % 8
    const number = Math.floor(tag / 8)
    if (type === 0) {
      yield { number, value: wholeNumber() }
      continue
    }
    const length = type === 2 ? wholeNumber() : LENGTHS[type]
    if (length === undefined || length < 0 || offset + length > bytes.length) throw damaged(at)
    yield { number, value: bytes.subarray(offset, offset + length) }
    offset += length
  }
}

/** Bytes of a value by its wire type. */
const LENGTHS: Record<number, number> = { 1: 8, 5: 4 }

const damaged = (at: string) =>
  new UserError({ at, problem: 'is not a SentencePiece model: it is damaged.', remedy: 'Fetch the file again.' })
