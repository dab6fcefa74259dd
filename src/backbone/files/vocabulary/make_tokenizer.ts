import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../../../base/error.js'
import { readJson } from '../../../base/files/json_file.js'
import { refusePointer } from '../../../base/files/lfs_pointer.js'
import { readBytes } from '../../../base/files/read.js'
import { CONTROL, readSentencePiece, USER_DEFINED } from './sentence_piece.js'
import { type AddedToken, notMade, readSettings, type Settings, type SpecialNames, special } from './settings.js'

/** The most bytes of a vocabulary; the largest here, DeBERTa's, has 2.5 million. */
const LARGEST = 32 * 2 ** 20

/** What a vocabulary and its settings make of a tokenizer, but for its special tokens. */
interface Made {
  settings: Settings
  /** The id of a token of the vocabulary. */
  idOf: (text: string) => number | undefined
  /** The number of tokens. */
  size: number
  /** Tokens that the vocabulary itself says are not to be cut. */
  whole?: AddedToken[]
  parts: object
}

/**
 * Returns what a tokenizer.json would hold that transformers makes of a vocabulary alone: of DeBERTa's spm.model, of
 * BERT's vocab.txt, of RoBERTa's vocab.json with merges.txt; undefined for any other file.
 * @throws UserError where a file is damaged, or asks for a tokenizer that is not made here.
 */
export function madeTokenizer(file: string): object | undefined {
  return MAKERS.get(basename(file))?.(file)
}

const MAKERS = new Map([
  ['spm.model', (file: string) => finished(file, deberta(file), segmented)],
  ['vocab.txt', (file: string) => finished(file, bert(file), segmented)],
  ['vocab.json', (file: string) => finished(file, roberta(file), doubled)],
])

const BRACKETS = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' } satisfies SpecialNames
const ANGLES = { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '</s>', pad: '<pad>', cls: '<s>', mask: '<mask>' }

/** As transformers' DebertaV2Tokenizer. */
function deberta(file: string): Made {
  const names = { ...BRACKETS, bos: '[CLS]', eos: '[SEP]' }
  const settings = readSettings(dirname(file), ['DebertaV2Tokenizer'], names)
  const { pieces, unknown } = readSentencePiece(bytesOf(file), file)
  const ids = new Map(pieces.map(({ text }, id) => [text, id]))
  const own = ids.get(settings.named.unk!.content)
  const unk_id = own !== undefined && pieces[own]!.score === 0 ? own : unknown
  const spaces = {
    type: 'Metaspace',
    replacement: '▁',
    prepend_scheme: settings.add_prefix_space === false ? 'first' : 'always',
    split: true,
  }
  const cut = settings.split_by_punct ? [{ type: 'Punctuation', behavior: 'Isolated' }] : []
  return {
    settings,
    idOf: (text) => ids.get(text),
    size: pieces.length,
    whole: pieces
      .filter(({ kind }) => kind === CONTROL || kind === USER_DEFINED)
      .map(({ text, kind }) => ({ ...special(text), special: kind === CONTROL })),
    parts: {
      normalizer: {
        type: 'Sequence',
        normalizers: [
          ...(settings.do_lower_case ? [{ type: 'Lowercase' }] : []),
          { type: 'Replace', pattern: { Regex: '\\s{2,}|[\\n\\r\\t]' }, content: ' ' },
          { type: 'NFC' },
          { type: 'Strip', strip_left: false, strip_right: true },
        ],
      },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [...cut, spaces] },
      decoder: spaces,
      model: {
        type: 'Unigram',
        unk_id,
        byte_fallback: false,
        vocab: pieces.map(({ text, score }) => [text, score]),
      },
    },
  }
}

/** As transformers' BertTokenizer, which DistilBERT and ELECTRA have too. */
function bert(file: string): Made {
  const classes = ['BertTokenizer', 'DistilBertTokenizer', 'ElectraTokenizer']
  const settings = readSettings(dirname(file), classes, BRACKETS)
  const lines = textOf(file).replace(/\n$/, '').split('\n')
  const ids = new Map(lines.map((line, id) => [line.replace(/\p{White_Space}+$/u, ''), id]))
  return {
    settings,
    idOf: (text) => ids.get(text),
    size: ids.size,
    parts: {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
        strip_accents: settings.strip_accents ?? null,
        lowercase: settings.do_lower_case ?? true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: settings.named.unk!.content,
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(ids),
      },
    },
  }
}

/** As transformers' RobertaTokenizer. */
function roberta(file: string): Made {
  const settings = readSettings(dirname(file), ['RobertaTokenizer'], ANGLES)
  const vocab = readJson(file, { limit: LARGEST }) as Record<string, number>
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new UserError({ at: file, problem: 'is not an object of tokens and ids.', remedy: 'Fetch the file again.' })
  }
  const merges = textOf(join(dirname(file), 'merges.txt')).split('\n')
  const bytes = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true }
  return {
    settings,
    idOf: (text) => (Object.hasOwn(vocab, text) ? vocab[text] : undefined),
    size: Object.keys(vocab).length,
    parts: {
      normalizer: null,
      pre_tokenizer: { ...bytes, add_prefix_space: settings.add_prefix_space ?? false },
      decoder: bytes,
      model: {
        type: 'BPE',
        vocab,
        merges: merges.filter((line) => line !== '' && !line.startsWith('#version')),
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
      },
    },
  }
}

/** Adds the special tokens, at the end where the vocabulary lacks them, and how rows are made with them. */
function finished(file: string, made: Made, rows: (id: (name: 'cls' | 'sep') => [string, number]) => object): object {
  const { settings, idOf, size, whole = [], parts } = made
  const ids = new Map<string, number>()
  const added_tokens = []
  let next = size
  for (const token of [...settings.added, ...Object.values(settings.named), ...whole]) {
    if (ids.has(token.content)) continue
    const id = idOf(token.content) ?? next++
    ids.set(token.content, id)
    added_tokens.push({ id, ...token })
  }
  for (const [text, id] of settings.ids) {
    if (ids.get(text) === id) continue
    throw notMade(file, `the token ${text} has the id ${id} next to it, and ${ids.get(text)} in it`)
  }
  const row = (name: 'cls' | 'sep'): [string, number] => {
    const { content } = settings.named[name]!
    return [content, ids.get(content)!]
  }
  const { content: pad_token } = settings.named.pad!
  const pad_id = ids.get(pad_token)
  const padding = { strategy: 'BatchLongest', direction: 'Right', pad_to_multiple_of: null, pad_id, pad_type_id: 0 }
  const own = { version: '1.0', truncation: null, padding: { ...padding, pad_token }, added_tokens }
  return { ...own, ...parts, post_processor: rows(row) }
}

/** [CLS] A [SEP] B [SEP], whose second text is another segment. */
function segmented(id: (name: 'cls' | 'sep') => [string, number]): object {
  const [[cls, clsId], [sep, sepId]] = [id('cls'), id('sep')]
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } })
  const text = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } })
  const single = [token(cls, 0), text('A', 0), token(sep, 0)]
  const told = (id: string, ids: number[]) => [id, { id, ids, tokens: [id] }]
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, text('B', 1), token(sep, 1)],
    special_tokens: Object.fromEntries([told(cls, [clsId]), told(sep, [sepId])]),
  }
}

/** <s> A </s></s> B </s>, all one segment. */
const doubled = (id: (name: 'cls' | 'sep') => [string, number]): object => ({
  type: 'RobertaProcessing',
  sep: id('sep'),
  cls: id('cls'),
  trim_offsets: true,
  add_prefix_space: false,
})

function bytesOf(file: string): Buffer {
  const { size } = statSync(file)
  if (size > LARGEST) {
    const problem = `has ${size} bytes; at most ${LARGEST} are read.`
    throw new UserError({ at: file, problem, remedy: 'Do not trust it.' })
  }
  const bytes = readBytes(file)
  refusePointer(file, bytes.toString('latin1'))
  return bytes
}

const textOf = (file: string): string => bytesOf(file).toString('utf8').replaceAll('\r\n', '\n')
