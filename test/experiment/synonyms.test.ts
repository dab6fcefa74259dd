import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { synonymOf } from '../../src/experiment/synonyms.js'

describe('keys that others have for ours', () => {
  const problems = (...sets: string[]) => {
    try {
      loadExperiment('quickstart', sets)
    } catch (error) {
      return (error as Error).message
        .split('\n')
        .map((line) => line.replace(/^--set .*?: (?=An experiment|[\w.]+ has )/, ''))
    }
    return []
  }

  test.each([
    ['training.lr=1', 'training has no key lr. Did you mean learning_rate?'],
    ['training.max_steps=1', 'training has no key max_steps. Did you mean steps?'],
    [
      'training.per_device_train_batch_size=1',
      'training has no key per_device_train_batch_size. Did you mean batch_size?',
    ],
    [
      'training.gradient_accumulation_steps=4',
      'training has no key gradient_accumulation_steps. Did you mean micro_batch_size? These are the rows that are computed at once: batch_size divided by the steps of accumulation.',
    ],
    [
      'training.accumulate=4',
      'training has no key accumulate. Did you mean micro_batch_size? These are the rows that are computed at once: batch_size divided by the steps of accumulation.',
    ],
    [
      'task.data=a.csv',
      'task has no key data. Did you mean train? The other splits are task.validation and task.test.',
    ],
    ['method.r=2', 'method has no key r. Did you mean rank?'],
    [
      'method=[{preset: lora, lora_alpha: 4}, ia3]',
      'method.0 has no key lora_alpha. Did you mean alpha?',
      'training.learning_rate=0.001',
    ],
    ['method={preset: dora, use_dora: true}', 'method has no key use_dora. Did you mean magnitudes?'],
    [
      'method={preset: vera, bias: none}',
      'method has no key bias. No bias is trained, as with none in peft; the method bitfit, in a list with this one, trains them.',
    ],
    [
      'method={preset: prefix-tuning, prefix_projection: false}',
      'method has no key prefix_projection. Did you mean bottleneck? none stands for false.',
    ],
    [
      'method={preset: compacter, target_modules: [q]}',
      'method has no key target_modules. Did you mean placement? It has sublayers, encoder_layers and decoder_layers; the products there are not chosen.',
    ],
    [
      'method={preset: lora, inference_mode: true}',
      'method has no key inference_mode. Leave it out: the command says whether it is trained.',
    ],
    [
      'method={preset: lokr, module_dropout: 0.1}',
      'method has no key module_dropout. Leave it out: the only dropout of a method here is that of LoRA and VeRA, in front of their products.',
    ],
    [
      'method={preset: lora, lora_bias: true}',
      'method has no key lora_bias. Leave it out: no bias is trained, as with false in peft.',
    ],
    [
      'method={preset: lora, eva_config: {}}',
      'method has no key eva_config. Leave it out: no start is computed from the data.',
    ],
    [
      'method={preset: lora, trainable_token_indices: [1]}',
      'method has no key trainable_token_indices. Leave it out: single rows of the embedding table are not trained.',
    ],
    [
      'method={preset: prompt-tuning-r, prompt_tuning_init_text: good}',
      'method has no key prompt_tuning_init_text. Did you mean start? It is random, or vocabulary, which takes the first tokens; there is no start from a text.',
    ],
    ['lr=1', 'An experiment has no key lr. Did you mean training.learning_rate?'],
    ['epochs=1', 'An experiment has no key epochs. Did you mean training.epochs?'],
  ])('%s', (set, problem, ...others) => expect(problems(set, ...others)).toEqual([problem]))

  test.each([
    ['all-linear', 'method.targets is "all-linear"; it must be all, which means the same.'],
    ['[all-linear]', /no product of that name\. Did you mean targets: all\?$/],
    ['[q_proj, v_proj]', /names "q_proj"; the backbone has no product of that name\. Did you mean q, v\?$/],
    ['[query, value]', /Did you mean q, v\?$/],
    ['[SelfAttention.q, wo]', /Did you mean q, wo\?$/],
    ['[q_proj, gate]', /Its products: q, k, v, o, wi, wo, lm_head\.$/],
  ])("peft's targets: %s", (targets, problem) => {
    const [told, ...others] = problems(`method={preset: lora, targets: ${targets}}`)
    expect(told!.replace(/^--set .*?}: /, '')).toEqual(
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    )
    expect(others).toEqual([])
  })

  test.each([
    ['prompt-tuning', 'Did you mean prompt-tuning-r or prompt-tuning-t?'],
    ['prompt_tuning', 'Did you mean prompt-tuning-r or prompt-tuning-t?'],
    ['loha', 'LoHa is not here; lora and lokr are the nearest to it.'],
    ['rslora', 'It is lora with rank_stabilised: true.'],
    ['qlora', 'QLoRA is not here: no weights are quantised. lora trains the same tensors.'],
    ['lora+', 'It is lora with loraplus_lr_ratio.'],
    ['ln_tuning', 'Did you mean layer-norm-tuning?'],
    ['lorra', 'Did you mean lora?'],
  ])("another library's name of a method: %s", (name, remedy) => {
    const told = `method is "${name}"; there is no such preset. ${remedy}`
    expect(problems(`method=${name}`).map((line) => line.replace(/^--set .*?: /, ''))).toEqual([told])
  })

  test('the same as a kind', () => {
    expect(problems('method={kind: ln_tuning}', 'training.learning_rate=1')[0]).toMatch(
      /union\. Did you mean layer_norm_tuning\?$/,
    )
    expect(problems('method={kind: loha}', 'training.learning_rate=1')[0]).toMatch(/union\. LoHa is not here;/)
  })

  test('the known keys are listed once for several unknown ones, and the others say where', () => {
    expect(problems('method.zzz=1', 'method.yyyyy=2', 'method.rnak=3', 'method.r=4')).toEqual([
      'method has no key r. Did you mean rank?',
      'method has no key rnak. Did you mean rank?',
      'method has no key yyyyy. The keys are listed at zzz.',
      expect.stringMatching(/^method has no key zzz\. Keys: kind, n, .*, train_lm_head\.$/),
    ])
  })

  test("a kind under peft's name for it", () => {
    expect(problems('method={peft_type: LORA, r: 4}')).toEqual([
      'method has neither preset nor kind. Did you mean kind by peft_type?',
    ])
  })

  test("docs/methods.md has the table for peft's keys that the errors go by", () => {
    const docs = readFileSync(join(packageRoot, 'docs/methods.md'), 'utf8')
    const [, table] = /^## Coming from peft$(.*?)^## /ms.exec(docs)!
    const rows = [...table!.matchAll(/^\| (`.+?`) \| (`(.+?)`|–|the same) \|/gm)].map(([, theirs, , ours]) => ({
      theirs,
      ours,
    }))
    const told = rows.flatMap(({ theirs, ours }) =>
      [...theirs!.matchAll(/`(.+?)`/g)].map(([, name]) => ({ name: name!, ours })),
    )
    expect(told.length).toBeGreaterThan(30)
    const known = told.map(({ name }) => {
      const synonym = synonymOf(name)
      const key = synonym && 'key' in synonym ? synonym.key.replace(/^method\./, '') : undefined
      return { name, ours: key }
    })
    expect(known).toEqual(told)
  })
})
