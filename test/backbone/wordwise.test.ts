import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer as NativeTokenizer } from 'tokenizers'
import { afterAll, describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { readTokenizerFile } from '../../src/backbone/files/tokenizer_file.js'
import { wordwise } from '../../src/backbone/files/words/wordwise.js'
import { hashSeed } from '../../src/base/numbers/random.js'
import { packageRoot } from '../../src/base/root.js'

const folder = mkdtempSync(join(tmpdir(), 'words-'))
afterAll(() => rmSync(folder, { recursive: true }))
const read = (path: string) => JSON.parse(readFileSync(join(packageRoot, path), 'utf8'))

const t5 = read('configs/backbones/t5-nano/tokenizer.json')
const [precompiled] = t5.normalizer.normalizers
const metaspace = t5.pre_tokenizer
const whitespace = { type: 'WhitespaceSplit' }
const sequence = (pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers })
const [extra] = t5.added_tokens.slice(3)
const added = (change: object) => ({ added_tokens: [...t5.added_tokens, { ...extra, id: 8100, ...change }] })

const bytes = read('test/fixtures/words.json')['byte-level'].tokenizer
const byteLevel = bytes.pre_tokenizer

/** BERT's, with a piece per letter and some of several; capitals, `É` and what is rare are unknown. */
const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789.,!?'’“”½/-äéïжωοδςσ€…"]
const pieces = ['film', 'new', 'the', 'low', ...letters, '##s', '##er', '##ilm', ...letters.map((one) => `##${one}`)]
const vocab = Object.fromEntries(['</s>', '[UNK]', '[MASK]', ...pieces].map((token, i) => [token, i]))
const bertNormalizer = { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null }
const bert = {
  version: '1.0',
  added_tokens: ['</s>', '[MASK]'].map((content) => ({ ...extra, content, id: vocab[content], normalized: false })),
  normalizer: { ...bertNormalizer, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: { type: 'WordPiece', vocab, unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 9 },
}

const wordByWord: [string, object][] = [
  ['as transformers 5 writes them', t5],
  [
    'as transformers 4 wrote them',
    { ...t5, normalizer: precompiled, pre_tokenizer: sequence([whitespace, metaspace]) },
  ],
  ['without normalisers', { ...t5, normalizer: null }],
  ['in lower case', { ...t5, normalizer: { type: 'Lowercase' } }],
  ['with an added token that is normalised', { ...t5, ...added({ content: 'ﬁlm', normalized: true }) }],
  ['with an added token that takes blanks', { ...t5, ...added({ content: 'film', lstrip: true, rstrip: true }) }],
  ['with an added token of several blanks', { ...t5, ...added({ content: '  ', normalized: false }) }],
  ['of BERT', bert],
  ['of BERT, cased', { ...bert, normalizer: { ...bertNormalizer, lowercase: false } }],
  ['of bytes', bytes],
  ['of bytes, with a blank before the first', { ...bytes, pre_tokenizer: { ...byteLevel, add_prefix_space: true } }],
  [
    'of bytes in lower case, with an added token that takes blanks',
    {
      ...bytes,
      normalizer: { type: 'Lowercase' },
      added_tokens: [...bytes.added_tokens, { ...extra, id: 300, content: 'film', normalized: true, rstrip: true }],
    },
  ],
  ...['NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents'].map((type): [string, object] => [
    `of bytes, ${type}`,
    { ...bytes, normalizer: { type } },
  ]),
]
const whole: [string, object][] = [
  ['with what adds blanks', { ...t5, normalizer: { type: 'Replace', pattern: { String: 'a' }, content: 'b b' } }],
  ['without a blank before the first', { ...t5, pre_tokenizer: { ...metaspace, prepend_scheme: 'never' } }],
  ['with a blank before the first only', { ...t5, pre_tokenizer: { ...metaspace, prepend_scheme: 'first' } }],
  ['not split at blanks', { ...t5, pre_tokenizer: { ...metaspace, split: false } }],
  ['split at blanks only', { ...t5, pre_tokenizer: whitespace }],
  ['not split at all', { ...t5, pre_tokenizer: null }],
  ['with an added token of two words', { ...t5, ...added({ content: 'new film', single_word: true }) }],
  ['of bytes, not split at blanks', { ...bytes, pre_tokenizer: { ...byteLevel, use_regex: false } }],
]

describe.each([
  ['texts whose words are encoded one by one have the ids of the whole text', wordByWord, true],
  ['texts that are encoded as a whole', whole, false],
])('%s', (_, cases, isWordwise) => {
  test.each(cases)('%s', async (_, json) => {
    const file = join(folder, 'tokenizer.json')
    writeFileSync(file, JSON.stringify(json))
    const parts = readTokenizerFile(file)
    const native = NativeTokenizer.fromString(parts.text)
    expect(wordwise(native, parts) !== undefined).toBe(isWordwise)
    const tokenizer = await loadTokenizer(file)
    const texts = unusualTexts(1500)
    const whole = await native.encodeBatch(texts, { addSpecialTokens: false })
    for (const batch of [texts.slice(0, 700), texts]) {
      const rows = await tokenizer.encode(batch, Number.MAX_SAFE_INTEGER)
      for (const [i, row] of rows.entries())
        expect([...row], JSON.stringify(batch[i])).toEqual([...whole[i]!.getIds(), tokenizer.eosId])
    }
  })
})

/** Texts of words, marks and blanks that a tokenizer may take together, the same in every run. */
function unusualTexts(count: number): string[] {
  const words = [
    ...'a film. Film, films! new it’s “quoted” film¨ naïve ﬁlm 1/2 ½ Ω ЖЁ ǅ ſ ª ´ ¨ … – € ÿ'.split(' '),
    ..."the lower low it's 's 'll. n't '' 1.5 x2y ΟΔΟΣ Ὀδός İ [MASK]ed FILM".split(' '),
  ]
  const marks = [
    '\u0301',
    '\u0308',
    '\u200d',
    '\u00ad',
    '▁',
    '<',
    '</s>',
    '<extra_id_7>',
    '＜/s>',
    '語',
    '😀',
    '👩\u200d🔬',
    '가',
    '\u1100',
  ]
  const blanks = [
    'new film',
    '\t',
    '\n',
    '\u00a0',
    '\u3000',
    '\u2028',
    '  ',
    '\u0600',
    '\u0000',
    '\ufeff',
    'x'.repeat(70),
  ]
  const pieces = [...words, ...words, ...words, ...words, ...marks, ...blanks]
  return Array.from({ length: count }, (_, text) => {
    const length = hashSeed(0, text) % 9
    const drawn = Array.from({ length }, (_, i) => pieces[hashSeed(1, text, i) % pieces.length]!)
    return drawn.map((piece, i) => (hashSeed(2, text, i) % 4 > 0 ? `${piece} ` : piece)).join('')
  })
}
