import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { prepareBackbone } from '../../../src/engine/prepare/prepare.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { makeBackbone } from '../../export/made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'prepare-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Prepares a backbone of the quickstart's tokenizer, whose tokens are 0 … 8099. */
async function prepared(changes: Parameters<typeof makeBackbone>[1], ...sets: string[]) {
  await makeBackbone(folder, changes)
  const { files, ...rest } = await prepareBackbone(
    loadExperiment('quickstart', ['method=full', `backbone=${folder}`, ...sets]),
    silent,
  )
  files.close()
  return rest
}

describe('a backbone whose tokenizer', () => {
  const remedy = (key: string) =>
    `Take config.json and tokenizer from the same model, or set ${key} to the id that it was trained with in both.`

  test.each([
    [
      'pads with another id',
      { config: { pad_token_id: 8100 } },
      `pad_token_id is 8100; the tokenizer's is 0 (FOLDER/tokenizer.json). ${remedy('pad_token_id')}`,
    ],
    [
      'pads with another id by its tokenizer_config.json',
      { tokenizer: { pad_token: '<unk>' } },
      `pad_token_id is 0; the tokenizer's is 2 (FOLDER/tokenizer.json). ${remedy('pad_token_id')}`,
    ],
    [
      'ends rows with another id',
      { config: { eos_token_id: 3 } },
      `eos_token_id is 3; the tokenizer's is 1 (FOLDER/tokenizer.json). ${remedy('eos_token_id')}`,
    ],
    [
      'has more tokens than the embedding has rows',
      { config: { vocab_size: 8000 } },
      "has 8100 tokens; the backbone's embedding has 8000 rows. They do not belong together.",
    ],
  ])('%s is refused with both numbers', async (_, changes, problem) => {
    const error = await prepared(changes).catch((error: Error) => error)
    const file = problem.startsWith('has') ? 'tokenizer.json' : 'config.json'
    expect(error).toMatchObject({ name: 'UserError' })
    expect((error as Error).message.replaceAll(folder, 'FOLDER')).toBe(`FOLDER/${file}: ${problem}`)
  })

  test('agrees on another padding id is taken, and starts as config.json says', async () => {
    const changes = { config: { pad_token_id: 2, decoder_start_token_id: 5 }, tokenizer: { pad_token: '<unk>' } }
    expect((await prepared(changes)).config).toMatchObject({ padId: 2, decoderStartId: 5, eosId: 1 })
  })

  test('does not have the token that the decoder starts with cannot be the whole vocabulary', async () => {
    const changes = { config: { decoder_start_token_id: 8120 } }
    expect((await prepared(changes)).config).toMatchObject({ decoderStartId: 8120 })
    await expect(prepared(changes, 'backbone.trim_vocabulary=true')).rejects.toThrow(
      'backbone.trim_vocabulary: leaves 8100 tokens; the backbone pads or starts with token 8120. Leave it out.',
    )
  })
})
