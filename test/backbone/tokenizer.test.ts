import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer, type Tokenizer } from '../../src/backbone/files/tokenizer.js'
import { UserError } from '../../src/base/error.js'
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
