import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { named } from '../../../src/engine/model/layout.js'
import { blueprintOf } from '../../../src/engine/model/model.js'
import { ownReset } from '../../../src/engine/model/own_tensors.js'
import { train } from '../../../src/engine/train/train.js'
import { loadExperiment, readExperiment } from '../../../src/experiment/load/load.js'
import { smallExperiment } from '../../support/cli.js'
import { engines } from '../../support/engines.js'

const { folder, file } = smallExperiment({
  steps: 8,
  batch_size: 8,
  warmup_steps: 1,
  evaluate_every: 8,
  source_length: 32,
  learning_rate: 0.03,
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What a training says of its method's tensors, in result.json and by a warning. */
async function told(name: string, ...sets: string[]) {
  const warnings: string[] = []
  const progress = { ...silent, warn: (text: string) => void warnings.push(text) }
  const run = join(folder, name)
  await train(loadExperiment(file, sets), {
    ...{ engine: engines[0]!, threads: 2, progress },
    ...{ folder: run, resume: false, interrupted: () => false },
  })
  const result = JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'))
  return {
    moved: result.own_tensors_moved_answers as unknown,
    warned: warnings.filter((text) => text.includes('changed no answer')),
  }
}

const RATE = 'training.learning_rate=1e-9'
const SAME = 'as they started, all 20 test rows get the same answers.'
const RAISE = 'More steps or a higher training.learning_rate may help.'
const warning = (others: string) =>
  `The method's own matrices have changed no answer: with them ${SAME} Any change comes from the ${others}, which are trained too. ${RAISE}`

describe('training reports at its end whether the method’s own tensors have changed an answer', {
  timeout: 120_000,
}, () => {
  test.each(['compacter', 'bitfit', 'prompt-tuning-r', 'prefix-tuning'])('%s that learns has', async (method) => {
    expect(await told(method, `method=${method}`)).toEqual({ moved: true, warned: [] })
  })

  test('one with too small steps has not', async () => {
    expect(await told('small', 'method=adapter', RATE)).toEqual({
      moved: false,
      warned: [warning('biases and layer norms')],
    })
  })

  test('the warning names what else is trained, or nothing', async () => {
    const { warned } = await told('no-norms', 'method=adapter', 'method.train_layer_norms=false', RATE)
    expect(warned).toEqual([warning('biases')])
    expect((await told('prompt', 'method=prompt-tuning-r', RATE)).warned).toEqual([
      `Training has changed no answer: with the trained tensors ${SAME} ${RAISE}`,
    ])
  })

  test('a full score is not warned of', async () => {
    const [row] = readFileSync(join(folder, 'test.jsonl'), 'utf8').split('\n')
    const tolds = []
    for (const label of ['0', '1']) {
      const test = join(folder, `only-${label}.jsonl`) // one row, which is right with one of the two labels
      writeFileSync(test, `${JSON.stringify({ ...JSON.parse(row!), label: Number(label) })}\n`)
      tolds.push(
        await told(label, 'method=adapter', RATE, 'training.scoring=rank', 'training.steps=1', `task.test=${test}`),
      )
    }
    expect(tolds.map(({ moved }) => moved)).toEqual([false, false])
    expect(tolds.map(({ warned }) => warned.length).sort()).toEqual([0, 1])
  })

  test('one in which only norms and biases learn has not', async () => {
    const sets = ['method=compacter', 'method.learn_rule=false', 'method.rule_std=1e-12']
    expect(await told('norms', ...sets)).toEqual({ moved: false, warned: [warning('biases and layer norms')] })
  })

  test('full fine-tuning has no tensors of its own', async () => {
    expect(await told('full', 'method=full', 'training.learning_rate=1e-9')).toEqual({ moved: undefined, warned: [] })
  })

  test("the head of an encoder is not the method's own", async () => {
    const sets = ['backbone=bert-nano', 'method=lora']
    expect(await told('headed', ...sets, RATE)).toEqual({ moved: false, warned: [warning('head')] })
    expect(await told('headed-full', 'backbone=bert-nano', 'method=full')).toEqual({ moved: undefined, warned: [] })
  })
})

describe('as they started are then', () => {
  /** Names of the tensors that are reset. */
  function resetBy(...sets: string[]): string[] | undefined {
    const { experiment, config } = readExperiment(file, sets)
    const blueprint = blueprintOf(config!, experiment.method)
    const { size } = blueprint.layout
    const reset = ownReset(blueprint, new Float32Array(size).fill(1), new Float32Array(size))
    return (
      reset && named(blueprint.layout, reset).flatMap(([name, { data }]) => (data.some((x) => x === 0) ? [name] : []))
    )
  }
  const kinds = (names: string[] | undefined) => [...new Set(names?.map((name) => name.replace(/.*\./, '')))].sort()

  test.each([
    ['compacter', ['rule', 's', 't']],
    ['phm-adapter', ['b', 'rule']],
    ['adapter', ['weight']],
    ['low-rank-adapter', ['s', 't']],
    ['bitfit', ['bias']],
    ['prompt-tuning-t', ['prompt']],
    ['prefix-tuning', ['embedding', 'weight']],
    ['intrinsic', ['intrinsic']],
    ['intrinsic-said', ['intrinsic', 'lambda']],
  ])('of %s: %s', (method, expected) => expect(kinds(resetBy(`method=${method}`))).toEqual(expected))

  test('adapters and not the norms of the backbone next to them', () => {
    for (const name of resetBy('method=adapter')!)
      expect(name).toMatch(/^(encoder|decoder)\.\d\.(attention|feed_forward)\.(down|up)\.weight$/)
    expect(resetBy('method=full')).toBeUndefined()
  })

  test("on an encoder all matrices of LoRA and nothing of the head, and nothing where biases are the backbone's", () => {
    expect(kinds(resetBy('backbone=bert-nano', 'method=lora'))).toEqual(['lora_a', 'lora_b'])
    expect(resetBy('backbone=bert-nano', 'method=bitfit')).toBeUndefined()
  })
})
