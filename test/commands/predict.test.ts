import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { makeRun } from '../export/made_run.js'
import { compacter, start } from '../support/cli.js'
import {
  engine,
  evaluated,
  jsonLines,
  noise,
  path,
  predict,
  run,
  texts,
  trained,
  type Written,
} from './predicted_run.js'

describe('the rows that eval scores', () => {
  test.each(['generate', 'rank'])(
    'have the same predictions by %s, from JSON lines, text and a table',
    async (scoring) => {
      const expected = await evaluated(scoring)
      if (scoring === 'generate') {
        const distinct = new Set(expected.map(({ prediction }) => prediction))
        expect([...distinct].sort()).toEqual(['negative', 'positive'])
      }
      const args = [run, '--scoring', scoring]
      const json = await predict([...args, '--json', '--input', path('test.jsonl')])
      expect(json.stderr).toBe('')
      const rows = jsonLines<Written & { line: number }>(json.stdout)
      expect(rows.map(({ line, prediction }) => ({ row: line, prediction }))).toEqual(
        expected.map(({ row, prediction }) => ({ row, prediction })),
      )
      for (const [i, { scores }] of expected.entries())
        for (const [label, score] of Object.entries(scores ?? {})) expect(rows[i]!.scores![label]).toBeCloseTo(score, 4)

      const piped = await predict(args, `${texts.join('\n')}\n`)
      const first = piped.stdout.split('\n').map((line) => line.split('\t')[0])
      expect(first).toEqual([...expected.map(({ prediction }) => prediction), ''])
      writeFileSync(
        path('rows.csv'),
        `n,text\n${texts.map((text, i) => `${i},"${text.replaceAll('"', '""')}"\n`).join('')}`,
      )
      expect((await predict([...args, '--input', path('rows.csv')])).stdout).toBe(piped.stdout)
      writeFileSync(path('list.json'), JSON.stringify(texts.map((text) => ({ text }))))
      expect((await predict([...args, '--input', path('list.json')])).stdout).toBe(piped.stdout)
      expect((await predict([...args, ...texts.slice(0, 3)])).stdout).toBe(
        (await predict([...args], texts.slice(0, 3).join('\n'))).stdout,
      )
    },
  )

  test('are reported where they are cut', async () => {
    const long = await predict([run, '--json'], `${'film '.repeat(100)}\na\n`)
    expect([long.code, long.stdout.split('\n').length, long.stderr]).toEqual([
      0,
      3,
      `${run}: 1 of 2 sources is longer than the run's training.source_length (64 tokens) and is cut there; the longest has 103.\n`,
    ])
  })

  test('need neither the task nor its data: an export and a run whose data is gone predict the same', async () => {
    const before = await predict([run, '--scoring', 'rank'], texts.join('\n'))
    const out = path('export')
    expect((await compacter(['export', run, '--format', 'safetensors', '--out', out])).code).toBe(0)
    const exported = await predict([out, '--scoring', 'rank'], texts.join('\n'))
    expect(exported.stdout).toBe(before.stdout)
    const generated = await predict([run], texts.join('\n'))
    for (const split of ['train', 'validation', 'test']) renameSync(path(`${split}.jsonl`), path(`${split}.away`))
    const [moved, ranked] = [await predict([run], texts.join('\n')), await predict([run, '--scoring', 'rank'], 'a')]
    for (const split of ['train', 'validation', 'test']) renameSync(path(`${split}.away`), path(`${split}.jsonl`))
    expect(moved).toEqual(generated)
    expect(ranked).toEqual({
      code: 1,
      stdout: '',
      stderr: `${run}: its train rows were in ${path('train.jsonl')}, where nothing is now. Say where they are: --set task.train=FILE. The run's task.labels does not name the labels, so they are read from its training rows.\n`,
    })
  })
})

describe('a stream', () => {
  test('of hostile lines loses none of the others, and reports each bad one', async () => {
    const stdin = Buffer.concat([
      Buffer.from('\ufeffa fine film\r\n\n'),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(`nul\0l\n${'x'.repeat(17 * 2 ** 20)}\ndull\u2028 , dull 😀`),
    ])
    const { code, stdout, stderr } = await predict([run, '--json', '--scoring', 'rank'], stdin)
    const problems = [
      [3, 'the line is not valid UTF-8.'],
      [4, 'there is a NUL byte in the line.'],
      [5, 'the line is longer than 16 MiB. Each row needs a line of its own.'],
    ] as const
    const told = problems.map(([line, problem]) => `stdin:${line}: ${problem}\n`).join('')
    expect(stderr).toBe(`${told}3 of 6 rows could not be predicted.\n`)
    expect(code).toBe(1)
    const rows = jsonLines<{ line: number; error?: string; prediction?: string }>(stdout)
    expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6])
    expect(rows.filter(({ error }) => error).map(({ line, error }) => [line, error])).toEqual(problems)
    expect(rows.filter(({ prediction }) => prediction).map(({ line }) => line)).toEqual([1, 2, 6])
    const clean = await predict([run, '--json', '--scoring', 'rank'], 'a fine film\n\n\n\n\ndull\u2028 , dull 😀')
    expect(jsonLines(clean.stdout)[0]).toEqual(rows[0])
  })

  test('of JSON lines with rows that cannot be used leaves empty lines for them', async () => {
    const stdin =
      '{"text": "good"}\n{"text": \n\n{"txet": "a"}\n{"text": null}\n["a"]\n{"text": {"a": 1}}\n{"text": "\\u0000\\ud800"}\n'
    const { code, stdout, stderr } = await predict([run, '--input-format', 'jsonl', '--scoring', 'rank'], stdin)
    expect(stderr).toBe(
      [
        'stdin:2: the line is not valid JSON.',
        "stdin:4: column 'text' is missing.",
        "stdin:5: column 'text' is null.",
        'stdin:6: the line is not a JSON object, such as {"text": "…", "label": 1}.',
        "stdin:7: column 'text' is an object; text, a number or a boolean is needed.",
        '5 of 7 rows could not be predicted.\n',
      ].join('\n'),
    )
    expect(stdout).toMatch(/^[01]\t[01]\.\d{4}\n\n\n\n\n\n[01]\t[01]\.\d{4}\n$/)
    expect(code).toBe(1)
  })

  test('that pauses is answered while it pauses', async () => {
    const { process, ended } = start(['predict', run, ...engine], {}, 'pipe')
    const answer = () => new Promise<string>((resolve) => process.stdout!.once('data', (data) => resolve(String(data))))
    for (const text of texts.slice(0, 3)) {
      const answered = answer()
      process.stdin!.write(`${text}\n`)
      expect(await answered).toMatch(/^.*\n$/)
    }
    process.stdin!.end()
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe((await predict([run], texts.slice(0, 3).join('\n'))).stdout)
  })

  test('whose reader has seen enough ends quietly, though more would come', async () => {
    const { process, ended } = start(['predict', run, '--batch-size', '1', ...engine], {}, 'pipe')
    process.stdin!.on('error', () => {}) // nobody reads it any more
    const feeding = setInterval(() => process.stdin!.write('a film\n'), 20)
    process.stdout!.once('data', () => process.stdout!.destroy())
    const { code, stderr } = await ended
    clearInterval(feeding)
    expect([code, stderr]).toEqual([0, ''])
  })

  test.skipIf(process.platform === 'win32')('from what a shell opens', async () => {
    const shell = ['bash', '-c', '"$0" "$@" --input <(printf "good\\nbad\\n")']
    const { code, stdout, stderr } = await start(['predict', run, ...engine], {}, 'ignore', shell).ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe((await predict([run, 'good', 'bad'])).stdout)
  })

  test('of nothing has no rows', async () => {
    expect(await predict([run], '')).toEqual({ code: 0, stdout: '', stderr: 'There were no rows.\n' })
  })
})

describe('several runs', () => {
  test('of one backbone predict the same as each alone', async () => {
    const alone = await Promise.all(
      [run, noise].map((each) => predict([each, '--scoring', 'rank', '--json'], texts.join('\n'))),
    )
    const [first, second] = alone.map(({ stdout }) => jsonLines<{ line: number }>(stdout))
    const args = [run, '--run', noise, '--scoring', 'rank']
    const together = await predict([...args, '--json'], texts.join('\n'))
    expect(together.stderr).toBe('2 runs on one backbone: 36.0 MiB + 212 KiB trained; as full copies 71.9 MiB\n')
    const without = ({ line, ...rest }: { line: number }) => rest
    expect(jsonLines(together.stdout)).toEqual(
      first!.map((row, i) => ({ line: row.line, predictions: { [run]: without(row), [noise]: without(second![i]!) } })),
    )
    const plain = await predict(args, texts.slice(0, 2).join('\n'))
    expect(plain.stdout).toMatch(/^([01]\t[01]\.\d{4}\t[01]\t[01]\.\d{4}\n){2}$/)
  })

  test('are scored by eval as each alone, with the bytes that sharing saves', async () => {
    const { stdout, stderr } = await compacter(['eval', run, noise, '--scoring', 'rank', '--json', ...engine])
    const { runs, storage } = JSON.parse(stdout)
    const alone = async (folder: string) =>
      JSON.parse((await compacter(['eval', folder, '--scoring', 'rank', '--json', ...engine])).stdout).runs
    expect(runs).toEqual([...(await alone(run)), ...(await alone(noise))])
    expect(storage).toEqual({
      runs: 2,
      backbone_bytes: 4 * 9_426_688,
      trained_bytes: 4 * (18_368 + 35_776),
      full_copies_bytes: 8 * 9_426_688,
    })
    expect(stderr.match(/^Backbone/gm)).toHaveLength(1)
  })

  test('of other weights are refused, by name and hash', async () => {
    const backbone = path('other')
    cpSync(join(packageRoot, 'configs/backbones/t5-nano'), backbone, { recursive: true })
    const weights = readFileSync(join(backbone, 'model.safetensors'))
    weights.writeUInt8(weights.at(-1)! ^ 1, weights.length - 1)
    writeFileSync(join(backbone, 'model.safetensors'), weights)
    const other = await makeRun(path('of-other'), `backbone=${backbone}`)
    const refused = `${other}: was trained on ${backbone} (SHA-256 `
    for (const { code, stdout, stderr } of [
      await predict([run, '--run', other, 'a']),
      await compacter(['eval', run, other, ...engine]),
    ]) {
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr.startsWith(refused), stderr).toBe(true)
      expect(stderr.slice(refused.length)).toMatch(
        /^[0-9a-f]{12}…\), but \S+\/run on t5-nano \(SHA-256 [0-9a-f]{12}…\)\. Runs that are named together share one backbone: call the command once for each backbone\.\n$/,
      )
    }
  })
})

test('eval and train say how to rank where most outputs are not one of the labels', async () => {
  const { stderr } = await compacter(['eval', noise, '--split', 'validation', ...engine])
  expect(stderr).toMatch(
    /validation: \d+ of \d+ outputs, such as ".*", are not one of the labels and count as wrong\.\n/,
  )
  const rank = 'takes the likeliest label, whatever would be put out; `--set training.scoring=rank` trains so.\n'
  expect(stderr).toContain(
    `Warning: Most outputs are not one of the labels and count as wrong. \`--scoring rank\` ${rank}`,
  )
  expect(trained.stderr).toContain(
    `Warning: Most outputs are not one of the labels and count as wrong. \`compacter eval ${run} --scoring rank\` ${rank}`,
  )
})
