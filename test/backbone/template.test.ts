// expected: Hugging Face's tokenizers in Python, by test/oracle/template.py
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { postProcessor, templateOf, templateRow } from '../../src/backbone/files/template.js'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { packageRoot } from '../../src/base/root.js'

interface Row {
  limit: number
  ids: number[]
  segments: number[]
}

const fixture = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/template.json'), 'utf8'))

const expected = ({ ids, segments }: Row) => ({ ids, first: segments.filter((segment) => segment === 0).length })

test.each(['bert', 'roberta', 'template'])(
  'rows of a post-processor of the kind %s are those of the library',
  (name) => {
    const { post_processor, rows } = fixture[name] as { post_processor: unknown; rows: (Row & { lengths: number[] })[] }
    const template = templateOf(postProcessor.parse(post_processor))!
    for (const row of rows) {
      const { ids, first, whole } = templateRow(
        template,
        row.lengths.map((length) => new Int32Array(length)),
        row.limit,
      )
      expect({ ids: [...ids], first }, `${row.lengths} cut to ${row.limit}`).toEqual(expected(row))
      const added = row.ids.filter((id) => id > 1).length
      expect(whole).toBe(row.lengths.reduce((sum, length) => sum + length, added))
    }
  },
)

const folder = mkdtempSync(join(tmpdir(), 'template-'))
afterAll(() => rmSync(folder, { recursive: true }))

function debertaFile(): string {
  const file = join(folder, 'tokenizer.json')
  writeFileSync(file, JSON.stringify(fixture.deberta.tokenizer))
  return file
}

test.each([
  ['bert-nano', fixture['bert-nano'], () => join(packageRoot, 'configs/backbones/bert-nano/tokenizer.json')],
  ['DeBERTa v3', fixture.deberta.rows, debertaFile],
])('rows of texts and pairs of the tokenizer of %s are those of the library', async (_, rows, file) => {
  const tokenizer = await loadTokenizer(file())
  for (const row of rows as (Row & { texts: string[] })[]) {
    const { ids, first } = templateRow(tokenizer.template!, await tokenizer.pieces(row.texts), row.limit)
    expect({ ids: [...ids], first }, `${row.texts} cut to ${row.limit}`).toEqual(expected(row))
  }
})

test.each([
  [null],
  [{ type: 'ByteLevel', trim_offsets: true }],
  [{ type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens: {} }],
])('a post-processor that makes no rows of pairs is no template: %o', (found) => {
  expect(templateOf(postProcessor.parse(found))).toBeUndefined()
})
