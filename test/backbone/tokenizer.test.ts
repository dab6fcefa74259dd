import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer, type T5Tokenizer } from '../../src/backbone/tokenizer.js'
import { UserError } from '../../src/error.js'
import { packageRoot } from '../../src/root.js'

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

let tokenizer: T5Tokenizer
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

test('decoding leaves out ids that the table has and the tokenizer has not', () => {
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
  ])('are refused where they are no tokens: %s', async (config, message) => {
    await expect(load(json(), config)).rejects.toThrow(message)
    await expect(load(json(), config)).rejects.toBeInstanceOf(UserError)
  })
})

describe('a file that is no tokenizer', () => {
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
      /tokenizer\.json: is not a tokenizer: .*EOF.*\. Fetch the file again\.$/,
    )
  })

  test('is without </s>', async () => {
    const json = JSON.parse(readFileSync(FILE, 'utf8'))
    json.added_tokens = []
    json.post_processor = null
    json.model.vocab[1] = ['<end>', 0]
    await expect(load(JSON.stringify(json))).rejects.toThrow("has no token </s>: not a T5's tokenizer.")
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
