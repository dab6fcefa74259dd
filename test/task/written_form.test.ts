import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { packageRoot } from '../../src/base/root.js'
import { textsProblem } from '../../src/task/labels/told_apart.js'
import { inWrittenForm, lostPieces, written } from '../../src/task/labels/written_form.js'
import { newFolder } from '../report/runs.js'

const t5 = await loadTokenizer(join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json'))

/** Words alone, as they are: no normal form, case and all. */
const words = await (async () => {
  const file = join(newFolder(), 'words.json')
  const names = ['</s>', '<unk>', 'good', 'bad', 'Good', '½', '1⁄2', 'not', '.']
  const vocab = Object.fromEntries(names.map((name, id) => [name, id]))
  const special = (id: number) => ({
    id,
    content: names[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  writeFileSync(
    file,
    JSON.stringify({
      version: '1.0',
      added_tokens: [special(0), special(1)],
      normalizer: null,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab, unk_token: '<unk>' },
    }),
  )
  return loadTokenizer(file)
})()

describe('the form in which a text is compared', () => {
  test.each([
    ['negative', 'negative'],
    ['not  good', 'not good'],
    [' very\tgood\n', 'very good'],
    ['the  dog…', 'the dog...'],
    ['№ 1', 'No 1'],
    ['ﬁne', 'fine'],
    ['ｆｉｎｅ', 'fine'],
    ['a\u200bb', 'a b'],
  ])('of %j is %j, in which only white space and normal form differ', async (text, form) => {
    const [one] = await written([text], t5)
    expect(one).toMatchObject({ text, form, back: form, comesBack: true })
    expect(lostPieces(one!)).toEqual([])
  })

  test.each([
    ['négatif', 'ngatif', ['é'], 'négatif'],
    ['{neg}', 'neg', ['{', '}'], '{neg}'],
    ['½', '12', ['⁄'], '1⁄2'],
    ['😀', '', ['😀'], '😀'],
    ['否', '', ['否'], '否'],
    ['the  dog… {x}', 'the dog... x', ['{', '}'], 'the dog... {x}'],
    ['<extra_id_0> positive', 'positive', ['<extra_id_0>'], '<extra_id_0> positive'],
    ['good </s> film', 'good film', ['</s>'], 'good </s> film'],
  ])('of %j, which comes back as %j, is its own', async (text, back, lost, form) => {
    const [one] = await written([text], t5)
    expect({ ...one, back: one!.back.replace(/ +/g, ' ') }).toMatchObject({ text, back, comesBack: false, form })
    expect(lostPieces(one!)).toEqual(lost)
  })

  test('of a text of which other characters come back is its own, without those that are missing', async () => {
    const [one] = await written(['not Goode .'], words)
    expect(one).toMatchObject({ back: 'not .', comesBack: false })
    expect(lostPieces(one!)).toEqual(['Goode'])
    expect(lostPieces({ ...one!, back: 'dooG .not' })).toEqual(['e'])
  })

  test('is the text as this tokenizer writes it, not as another would', async () => {
    const forms = (await written(['½', '1⁄2', 'good   bad', 'Good'], words)).map(({ form }) => form)
    expect(forms).toEqual(['½', '1⁄2', 'good bad', 'Good'])
  })

  test('is the one of targets, answers and choices', async () => {
    const example = {
      row: 3,
      source: 'a  b…',
      target: 'b…',
      label: 'b…',
      answers: ['b…', '{b'],
      choices: ['x  y', 'z'],
    }
    expect(await inWrittenForm([example], t5)).toEqual([
      { ...example, target: 'b...', answers: ['b...', '{b'], choices: ['x y', 'z'] },
    ])
  })
})

describe('texts that cannot be told apart, or never be output', () => {
  const problemOf = async (texts: string[], told: Parameters<typeof textsProblem>[2], tokenizer = t5) => {
    const found = textsProblem(await written(texts, tokenizer), 'label', told)
    return found && `${found.problem} ${found.remedy}`
  }

  test.each(['generate', 'rank'] as const)(
    'are named by both texts where their tokens are the same, for %s',
    async (scoring) => {
      const same = (first: string, second: string, back: string) =>
        `the labels '${first}' and '${second}' are the same to the backbone's tokenizer, which writes both as '${back}'. Let them differ in characters that it can write.`
      expect(await problemOf(['good', '😀', '😡'], { scoring })).toBe(same('😀', '😡', ''))
      expect(await problemOf(['否', '是'], { scoring })).toBe(same('否', '是', ''))
      expect(await problemOf(['good', ' good'], { scoring })).toBe(same('good', ' good', 'good'))
      expect(await problemOf(['1⁄2', '½'], { scoring })).toBe(same('1⁄2', '½', '12'))
      expect(await problemOf(['½', '1⁄2', 'good', 'Good'], { scoring }, words)).toBeUndefined()
    },
  )

  test('are the same where the length of targets cuts them to one', async () => {
    for (const scoring of ['generate', 'rank'] as const)
      expect(await problemOf(['very good film', 'very good day'], { scoring, targetLength: 3 })).toBe(
        "training.target_length is 3, which cuts the labels 'very good film' and 'very good day' to the same tokens. Set it to 4 or more.",
      )
  })

  test('are those that are cut, unless they are ranked', async () => {
    const told = { scoring: 'generate', targetLength: 3 } as const
    expect(await problemOf(['very good film', 'bad'], told)).toBe(
      "training.target_length is 3; the label 'very good film' has 4 tokens and is never put out whole. Set it to 4 or more.",
    )
    expect(await problemOf(['very good film', 'bad'], { ...told, targetLength: 4 })).toBeUndefined()
    expect(await problemOf(['very good film', 'bad'], { ...told, scoring: 'rank' })).toBeUndefined()
  })

  test('are those that lose characters, with the characters, unless they are ranked', async () => {
    expect(await problemOf(['{neg}', '{pos}'], { scoring: 'generate' })).toBe(
      "the label '{neg}' comes back from the backbone's tokenizer as 'neg', without { }: no output is ever equal to it. Choose another text.",
    )
    expect(await problemOf(['positif', 'négatif'], { scoring: 'generate' })).toBe(
      "the label 'négatif' comes back from the backbone's tokenizer as 'ngatif', without é: no output is ever equal to it. Choose another text.",
    )
    expect(await problemOf(['{neg}', '{pos}'], { scoring: 'rank' })).toBeUndefined()
    const ranking = '--scoring rank'
    expect(await problemOf(['a', '½'], { scoring: 'generate', ranking })).toMatch(
      /Choose another text, or use --scoring rank\.$/,
    )
  })

  test('an invisible character is shown by its number', async () => {
    expect(await problemOf(['a\u00adb', 'c'], { scoring: 'generate' })).toContain('without U+00AD')
  })
})
