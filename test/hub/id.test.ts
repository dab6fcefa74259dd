import { expect, test } from 'vitest'
import { resolveBackbone } from '../../src/experiment/load/backbone.js'
import { HUB_ID, OWNED_HUB_ID } from '../../src/hub/id.js'
import { taskOptions } from '../../src/task/options.js'

// expected: huggingface_hub.utils.validate_repo_id
const OWNED = ['google-t5/t5-small', 'a/b', 'stanfordnlp/imdb', '_a/b_', 'Owner_1/x.y-z']
const BARE = ['t5-small', 'a', `a${'b'.repeat(95)}`]
const NEITHER = ['', '-a/b', 'a-/b', 'a/b.', '.a/b', 'a/-b', 'a--b/c', 'a..b', 'a/b/c', '/a', './a/b', 'a/b.git']
const LONG = `a${'b'.repeat(96)}`

test('a repository of the hub is named as the hub allows it', () => {
  for (const id of [...OWNED, ...BARE]) expect([id, HUB_ID.test(id)]).toEqual([id, true])
  for (const id of OWNED) expect([id, OWNED_HUB_ID.test(id)]).toEqual([id, true])
  for (const id of [...BARE, ...NEITHER, LONG]) expect([id, OWNED_HUB_ID.test(id)]).toEqual([id, false])
  for (const id of [...NEITHER, LONG]) expect([id, HUB_ID.test(id)]).toEqual([id, false])
})

test.each(['-a/b', 'a--b/c', 'a/b.git'])(
  '%s is refused as a backbone and as a data set before anything is asked of the hub',
  (id) => {
    expect(resolveBackbone(id, '/nowhere', []).faults).toMatchObject([
      { problem: expect.stringContaining('a hub id is owner/name') },
    ])
    const task = { kind: 'classification', name: 'films', prompt: '{text}', label: 'label', dataset: id }
    expect(taskOptions.safeParse(task).error?.issues).toMatchObject([
      { path: ['dataset'], message: 'must be owner/name, as the hub has it.' },
    ])
  },
)
