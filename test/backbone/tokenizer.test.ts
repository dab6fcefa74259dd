import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer as NativeTokenizer } from 'tokenizers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer, type Tokenizer } from '../../src/backbone/files/tokenizer.js'
import { readTokenizerFile } from '../../src/backbone/files/tokenizer_file.js'
import { UserError } from '../../src/base/error.js'
import { hashSeed } from '../../src/base/numbers/random.js'
import { packageRoot } from '../../src/base/root.js'

// expected: test/oracle/t5_tokenizer.py, transformers 5.18
const expected = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/tokenizer.json'), 'utf8')) as {
  vocabulary_size: number
  max_length: number
  cases: { name: string; text: string; ids: number[]; truncated: number[]; decoded: string }[]
}
const FILE = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')

/** Settings that a tokenizer.json may hold. */
const PADDING = {
  strategy: { Fixed: 9 },
  direction: 'Right',
  pad_to_multiple_of: null,
  pad_id: 0,
  pad_type_id: 0,
  pad_token: '<pad>',
}

let tokenizer: Tokenizer
beforeAll(async () => {
  tokenizer = await loadTokenizer(FILE)
})

describe.each(expected.cases)('$name', ({ text, ids, truncated, decoded }) => {
  test('gives the ids that transformers gives, whole and cut', async () => {
    const [whole] = await tokenizer.encode([text], 512)
    const [cut] = await tokenizer.encode([text], expected.max_length)
    expect([...whole!]).toEqual(ids)
    expect([...cut!]).toEqual(truncated)
  })

  test('decodes as transformers decodes', () => {
    expect(tokenizer.decode(ids)).toBe(decoded)
  })
})

test('a batch is its texts one by one, whatever other calls run', async () => {
  const texts = expected.cases.map(({ text }) => text)
  const many = Array.from({ length: 300 }, () => texts).flat() // more than one of the library's batches
  const [whole, cut] = await Promise.all([tokenizer.encode(many, 512), tokenizer.encode(many, expected.max_length)])
  expect(whole.map((row) => [...row])).toEqual(
    Array.from({ length: 300 }, () => expected.cases.map(({ ids }) => ids)).flat(),
  )
  expect(cut.map((row) => row.length)).toEqual(
    Array.from({ length: 300 }, () => expected.cases.map(({ truncated }) => truncated.length)).flat(),
  )
})

describe('texts whose words are encoded one by one have the ids of the whole text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'words-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const json = JSON.parse(readFileSync(FILE, 'utf8'))
  const [precompiled] = json.normalizer.normalizers
  const metaspace = json.pre_tokenizer
  const whitespace = { type: 'WhitespaceSplit' }
  const [extra] = json.added_tokens.slice(3)
  const added = (change: object) => ({ added_tokens: [...json.added_tokens, { ...extra, id: 8100, ...change }] })

  test.each<[string, object]>([
    ['as transformers 5 writes them', {}],
    ['as transformers 4 wrote them', { normalizer: precompiled, pre_tokenizer: sequence([whitespace, metaspace]) }],
    ['without normalisers', { normalizer: null }],
    ['in lower case', { normalizer: { type: 'Lowercase' } }],
    ['with what adds blanks', { normalizer: { type: 'Replace', pattern: { String: 'a' }, content: 'b b' } }],
    ['without a blank before the first', { pre_tokenizer: { ...metaspace, prepend_scheme: 'never' } }],
    ['with a blank before the first only', { pre_tokenizer: { ...metaspace, prepend_scheme: 'first' } }],
    ['not split at blanks', { pre_tokenizer: { ...metaspace, split: false } }],
    ['split at blanks only', { pre_tokenizer: whitespace }],
    ['not split at all', { pre_tokenizer: null }],
    ['with an added token that is normalised', added({ content: 'ﬁlm', normalized: true })],
    ['with an added token of two words', added({ content: 'new film', single_word: true })],
    ['with an added token that takes blanks', added({ content: 'film', lstrip: true, rstrip: true })],
  ])('%s', async (_, parts) => {
    const file = join(folder, 'tokenizer.json')
    writeFileSync(file, JSON.stringify({ ...json, ...parts }))
    const native = NativeTokenizer.fromString(readTokenizerFile(file).text)
    const tokenizer = await loadTokenizer(file)
    const texts = unusualTexts(1500)
    const whole = await native.encodeBatch(texts, { addSpecialTokens: false })
    for (const batch of [texts.slice(0, 700), texts]) {
      const rows = await tokenizer.encode(batch, Number.MAX_SAFE_INTEGER)
      for (const [i, row] of rows.entries())
        expect([...row], JSON.stringify(batch[i])).toEqual([...whole[i]!.getIds(), tokenizer.eosId])
    }
  })

  function sequence(pretokenizers: object[]) {
    return { type: 'Sequence', pretokenizers }
  }
})

/** Texts of words, marks and blanks that a tokenizer may take together, the same in every run. */
function unusualTexts(count: number): string[] {
  const words = 'a film. Film, films! new it’s “quoted” film¨ naïve ﬁlm 1/2 ½ Ω ЖЁ ǅ ſ ª ´ ¨ … – € ÿ'.split(' ')
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

test('counts the sentinels as vocabulary, not the rows that pad the table', () => {
  expect(tokenizer.vocabularySize).toBe(expected.vocabulary_size)
  expect(tokenizer.vocabularySize).toBe(8100)
})

test('decoding leaves out ids that are in the table but not in the tokenizer', () => {
  expect(tokenizer.decode([7, 8127, 370, 8100])).toBe('a b')
  expect(tokenizer.decode(Int32Array.of())).toBe('')
})

describe('the ids that end and pad a row', () => {
  const folder = mkdtempSync(join(tmpdir(), 'special-tokens-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const json = () => JSON.parse(readFileSync(FILE, 'utf8'))
  const load = (tokenizer: object, config?: string) => {
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
    rmSync(join(folder, 'tokenizer_config.json'), { force: true })
    if (config !== undefined) writeFileSync(join(folder, 'tokenizer_config.json'), config)
    return loadTokenizer(join(folder, 'tokenizer.json'))
  }

  test.each([
    ['of nothing but tokenizer.json', json(), undefined, { eosId: 1, padId: 0 }],
    ['of its padding', { ...json(), padding: { ...PADDING, pad_token: '<extra_id_0>' } }, undefined, { padId: 8099 }],
    [
      'of tokenizer_config.json',
      json(),
      { eos_token: { content: '<unk>' }, pad_token: '</s>' },
      { eosId: 2, padId: 1 },
    ],
    [
      'of neither',
      { ...json(), padding: null },
      { pad_token: '[PAD]', eos_token: null },
      { eosId: 1, padId: undefined },
    ],
  ])('are those %s', async (_, tokenizer, config, ids) => {
    expect(await load(tokenizer, config && JSON.stringify(config))).toMatchObject(ids)
  })

  test('end a row as they say', async () => {
    const [row] = await (await load(json(), '{"eos_token": "<unk>"}')).encode(['a b'], 9)
    expect([...row!]).toEqual([7, 370, 2])
  })

  test.each([
    ['{"pad_token": 0}', 'pad_token is 0; it must be a token.'],
    ['{"pad_token": ', /tokenizer_config\.json:1:15: is damaged: it is cut short\.$/],
  ])('are refused where they are not tokens: %s', async (config, message) => {
    await expect(load(json(), config)).rejects.toThrow(message)
    await expect(load(json(), config)).rejects.toBeInstanceOf(UserError)
  })
})

describe('a file that is not a tokenizer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const load = async (content: string) => {
    writeFileSync(join(folder, 'tokenizer.json'), content)
    await loadTokenizer(join(folder, 'tokenizer.json'))
  }

  test('is missing', async () => {
    await expect(loadTokenizer(join(folder, 'none.json'))).rejects.toThrow(
      `${folder}/none.json: cannot be read (ENOENT). A backbone needs its tokenizer.json: save it with AutoTokenizer.from_pretrained(…).save_pretrained(…).`,
    )
  })

  test('is cut short', async () => {
    await expect(load(readFileSync(FILE, 'utf8').slice(0, 1000))).rejects.toThrow(
      /tokenizer\.json:\d+:\d+: is damaged: it is cut short\. Fetch the file again\.$/,
    )
  })

  test('is without </s>', async () => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    json.added_tokens = []
    json.post_processor = null
    json.model.vocab[1] = ['<end>', 0]
    await expect(load(JSON.stringify(json))).rejects.toThrow('has no token </s>, which ends a row.')
  })

  const replaced = (key: string, value: unknown) => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    const path = key.split('.')
    const holder = path.slice(0, -1).reduce((at, step) => at[step], json)
    holder[path.at(-1)!] = value
    return JSON.stringify(json)
  }
  const growing = { type: 'Replace', pattern: { String: 'a' }, content: 'aa' }
  const charsmap = (change: (bytes: Buffer) => void) => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    const bytes = Buffer.from(json.normalizer.normalizers[0].precompiled_charsmap, 'base64')
    change(bytes)
    return { type: 'Precompiled', precompiled_charsmap: bytes.toString('base64') }
  }

  // What got through to the library took gigabytes, or ended the process with 134.
  test.each<[string, string, unknown, string]>([
    [
      'normalisers that double a text thirty times',
      'normalizer',
      { type: 'Sequence', normalizers: Array(30).fill(growing) },
      'normalizer makes a text up to 1073741824 times longer; at most 64 times is run.',
    ],
    [
      'very many normalisers',
      'normalizer',
      { type: 'Sequence', normalizers: Array(33).fill({ type: 'NFC' }) },
      'normalizer.normalizers: ',
    ],
    ['a pattern of nothing', 'normalizer', { ...growing, pattern: { String: '' } }, 'normalizer.pattern'],
    [
      'an expression that takes for ever',
      'normalizer',
      { ...growing, pattern: { Regex: '(a+)+$' } },
      'normalizer.pattern',
    ],
    [
      'a trie that leads out of its end',
      'normalizer',
      charsmap((bytes) => bytes.writeUInt32LE(0x7ffffe00, 4)),
      'normalizer.precompiled_charsmap: precompiled_charsmap leads out of its trie.',
    ],
    [
      'a trie that is cut short',
      'normalizer',
      charsmap((bytes) => bytes.writeUInt32LE(2 ** 31, 0)),
      'normalizer.precompiled_charsmap: precompiled_charsmap is cut short.',
    ],
    ['a part that is not known here', 'pre_tokenizer', { type: 'Surprise' }, 'pre_tokenizer.type: '],
    ['an unknown token beyond the vocabulary', 'model.unk_id', 8100, 'model.unk_id is 8100; there are 8100 tokens.'],
    ['a vocabulary of nothing', 'model.vocab', [], 'model.vocab is empty.'],
    ['a score that is none', 'model.vocab', [['<pad>', 'x']], 'model.vocab.0 has "x" where a number was expected.'],
    ['an id beyond all tables', 'added_tokens.0.id', 4e9, 'added_tokens.0.id: '],
    ['an added token of nothing', 'added_tokens.0.content', '', 'added_tokens.0.content: '],
  ])('has %s', async (_, key, value, problem) => {
    const error = await load(replaced(key, value)).catch((error) => error)
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toContain(`tokenizer.json: is not a tokenizer that is run here: ${problem}`)
  })

  test.each([
    ['merges that make no token', { merges: ['a b'] }, 'model.merges.0 must be two tokens that make a third.'],
    ['chance in it', { dropout: 0.5 }, 'model.dropout: '],
    ['a prefix that cuts letters', { continuing_subword_prefix: '##' }, 'model.continuing_subword_prefix: '],
  ])('is of pairs and has %s', async (_, fields, problem) => {
    const model = { type: 'BPE', vocab: { '<pad>': 0, '</s>': 1, a: 2, b: 3 }, merges: [], ...fields }
    await expect(load(replaced('model', model))).rejects.toThrow(`is not a tokenizer that is run here: ${problem}`)
  })

  test.each([
    [
      'pairs, as CodeT5 has them',
      { type: 'BPE', vocab: { '<pad>': 0, '</s>': 1, a: 2, b: 3, ab: 4 }, merges: ['a b'], unk_token: '' },
      [4, 1],
    ],
    [
      'a file of 2020, which does not name its model',
      {
        unk_id: 0,
        vocab: [
          ['<unk>', 0],
          ['</s>', 0],
          ['ab', -1],
        ],
      },
      [2, 1],
    ],
  ])('is read: %s', async (_, model, ids) => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    const file = join(folder, 'other.json')
    writeFileSync(
      file,
      JSON.stringify({ ...json, added_tokens: [], normalizer: null, pre_tokenizer: null, decoder: null, model }),
    )
    const [row] = await (await loadTokenizer(file)).encode(['ab'], 9)
    expect([...row!]).toEqual(ids)
  })

  test('refuses a text with a word that has no ids, and encodes others', async () => {
    const vocab = ['</s>', '▁', 'a', 'b'].map((token, i) => [token, -i])
    const file = join(folder, 'without_unknown.json')
    const parts = { added_tokens: [], normalizer: null, decoder: null, model: { type: 'Unigram', vocab } }
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(FILE, 'utf8')), ...parts }))
    const tokenizer = await loadTokenizer(file)
    const refused = tokenizer.encode(['a b', 'a x'], 9)
    const other = tokenizer.encode(['b a'], 9)
    await expect(refused).rejects.toThrow('without_unknown.json: cannot encode a text: ')
    expect((await other).map((row) => [...row])).toEqual([[1, 3, 1, 2, 0]])
    await expect(tokenizer.encode(['x'], 9)).rejects.toThrow('without_unknown.json: cannot encode a text: ')
    expect((await tokenizer.encode(['a b'], 9)).map((row) => [...row])).toEqual([[1, 2, 1, 3, 0]])
  })

  test('settings for truncation and padding saved in the file are not taken over', async () => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    json.truncation = { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 }
    json.padding = PADDING
    const file = join(folder, 'settings.json')
    writeFileSync(file, JSON.stringify(json))
    const [row] = await (await loadTokenizer(file)).encode(['a b a b a b'], 512)
    expect([...row!]).toEqual([7, 370, 7, 370, 7, 370, 1])
  })
})
