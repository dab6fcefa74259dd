// expected: test/oracle/vocabularies.py, transformers' own tokenizers
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { templateRow } from '../../src/backbone/files/template.js'
import { loadTokenizerIn } from '../../src/backbone/files/tokenizer.js'
import { madeTokenizer } from '../../src/backbone/files/vocabulary/make_tokenizer.js'
import { tokenizerFileIn, tokenizerSources } from '../../src/backbone/files/vocabulary/tokenizer_files.js'
import { packageRoot } from '../../src/base/root.js'

interface Case {
  /** Content of the files; null for those of the fixture. */
  files: Record<string, object | null>
  tokenizer: Record<string, unknown>
  size: number
  pad: number
  rows: { texts: [string, string]; ids: number[]; segments: number[] }[]
}
const FIXTURE = join(packageRoot, 'test/fixtures/vocabularies')
const cases = JSON.parse(readFileSync(join(FIXTURE, 'rows.json'), 'utf8')) as Record<string, Case>

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compacter-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function makeFolder({ files }: Pick<Case, 'files'>): void {
  for (const [name, content] of Object.entries(files)) {
    if (content) writeFileSync(join(folder, name), JSON.stringify(content))
    else copyFileSync(join(FIXTURE, name), join(folder, name))
  }
}

describe.each(Object.entries(cases))('a vocabulary alone, %s,', (_, one) => {
  beforeEach(() => makeFolder(one))

  test('makes the rows of transformers of texts and pairs', async () => {
    const tokenizer = await loadTokenizerIn(folder)
    expect([tokenizer.vocabularySize, tokenizer.padId]).toEqual([one.size, one.pad])
    const two = new Set(one.rows.flatMap(({ segments }) => segments)).size === 2
    for (const { texts, ids, segments } of one.rows) {
      const made = templateRow(tokenizer.template!, await tokenizer.pieces(texts), 512)
      expect([...made.ids], texts.join('|')).toEqual(ids)
      if (two) expect(made.first, texts.join('|')).toBe(segments.indexOf(1))
    }
  })

  test('makes the tokenizer.json of transformers', () => {
    const { truncation, padding, ...made } = madeTokenizer(tokenizerFileIn(folder)!) as Record<string, object>
    const { vocab, merges, ...model } = made.model as Record<string, unknown>
    const byId = (tokens: { id: number }[]) => tokens.toSorted((a, b) => a.id - b.id)
    const added_tokens = byId(made.added_tokens as { id: number }[])
    expect(withoutOffsets({ ...made, added_tokens, model })).toEqual(withoutOffsets(one.tokenizer))
  })
})

/** What a post-processor does with offsets has no part in ids. */
const withoutOffsets = ({ post_processor, ...rest }: Record<string, unknown>) => {
  const { trim_offsets, add_prefix_space, ...kept } = post_processor as Record<string, unknown>
  return { ...rest, post_processor: kept }
}

const V3 = { 'config.json': { model_type: 'deberta-v2' }, 'spm.model': null }
const REMEDY = "Make it in Python: AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER')."
const NOT_MADE = 'there is no tokenizer.json, and none is made of the vocabulary here:'

test.each([
  [
    { ...V3, 'tokenizer_config.json': { tokenizer_class: 'T5Tokenizer' } },
    `tokenizer_config.json: ${NOT_MADE} tokenizer_class is T5Tokenizer. ${REMEDY}`,
  ],
  [
    { ...V3, 'special_tokens_map.json': { additional_special_tokens: ['<x>'] } },
    `tokenizer_config.json: ${NOT_MADE} it has special tokens besides those of the model. ${REMEDY}`,
  ],
  [
    { ...V3, 'added_tokens.json': { '[MASK]': 7 } },
    /spm\.model: there is .*: the token \[MASK\] has the id 7 next to it, and \d+ in it\. Make it/,
  ],
  [
    { 'config.json': { model_type: 'bert' }, 'vocab.txt': null, 'tokenizer_config.json': { do_basic_tokenize: false } },
    `tokenizer_config.json: ${NOT_MADE} do_basic_tokenize is false. ${REMEDY}`,
  ],
  [
    { ...V3, 'tokenizer_config.json': { do_lower_case: 'no' } },
    /tokenizer_config\.json:1:18: is damaged: do_lower_case: Invalid input/,
  ],
])('a vocabulary with settings that are not read is refused: %o', async (files, message) => {
  makeFolder({ files })
  await expect(loadTokenizerIn(folder)).rejects.toThrow(message)
})

test.each([
  [Buffer.from('not a model'), /spm\.model: is not a SentencePiece model: it is damaged\. Fetch the file again\.$/],
  [Buffer.alloc(0), /spm\.model: is not a tokenizer that is run here: model\.vocab is empty\./],
  // trainer_spec (field 2) with model_type (field 3) of 2
  [Buffer.from([0x12, 2, 0x18, 2]), /is a SentencePiece model of the kind 2; DeBERTa's are of the kind 1, Unigram\./],
  // a number without an end, and a piece longer than the file
  [Buffer.alloc(20, 0x88), /it is damaged\./],
  [Buffer.from([0x0a, 100, 1]), /it is damaged\./],
])('a SentencePiece model that is none is refused: %o', async (bytes, message) => {
  makeFolder({ files: V3 })
  writeFileSync(join(folder, 'spm.model'), bytes)
  await expect(loadTokenizerIn(folder)).rejects.toThrow(message)
})

test.each([
  ['modernbert', ['vocab.txt']],
  ['xlm-roberta', ['vocab.json', 'merges.txt']],
  ['roberta', ['vocab.json']],
  ['bert', ['spm.model']],
])('a folder of the type %s has no tokenizer with %o alone', (model_type, names) => {
  makeFolder({ files: { 'config.json': { model_type }, ...Object.fromEntries(names.map((name) => [name, null])) } })
  expect(tokenizerFileIn(folder)).toBeUndefined()
})

test('a tokenizer.json is preferred, and everything that a tokenizer is made of is named for its hash', () => {
  const settings = { 'tokenizer_config.json': {}, 'added_tokens.json': {} }
  makeFolder({ files: { ...V3, ...settings } })
  const named = tokenizerSources(tokenizerFileIn(folder)!)
  expect(named).toEqual(['spm.model', ...Object.keys(settings)].map((name) => join(folder, name)))
  writeFileSync(join(folder, 'tokenizer.json'), '{}')
  expect(tokenizerSources(tokenizerFileIn(folder)!)).toEqual([join(folder, 'tokenizer.json')])
})
