import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { compacter, start } from '../support/cli.js'
import { engine, folder, jsonLines, type Predicted, path, predict, run, tableOf } from './predicted_run.js'

describe('--output', () => {
  const out = path('out/predictions.jsonl')
  beforeAll(() => mkdirSync(path('out')))

  test('is everything that would be printed, and is replaced only with --force', async () => {
    const args = [run, '--scoring', 'rank', '--input', path('test.jsonl')]
    const printed = await predict([...args, '--json'])
    const written = await predict([...args, '--output', out])
    expect(written).toEqual({ code: 0, stdout: `${out}: 20 rows\n`, stderr: '' })
    expect(readFileSync(out, 'utf8')).toBe(printed.stdout)
    expect(await predict([run, 'a', '--output', out])).toEqual({
      code: 1,
      stdout: '',
      stderr: `${out}: exists already. Replace it with --force.\n`,
    })
    const replaced = await predict([run, 'a', '--output', out, '--force', '--json'])
    expect(JSON.parse(replaced.stdout)).toMatchObject({ output: out, rows: 1, errors: 0, storage: { runs: 1 } })
    expect(jsonLines(readFileSync(out, 'utf8'))).toEqual([{ line: 1, prediction: expect.any(String) }])
    rmSync(out)
  })

  test("that ends in .csv is a table of the input's columns and the predictions, and can be predicted again", async () => {
    const [first, second] = [path('out/first.csv'), path('out/second.tsv')]
    const args = [run, '--scoring', 'rank']
    const printed = await predict([...args, '--json', '--input', path('test.jsonl')])
    const asked = jsonLines<{ text: string; label: number }>(readFileSync(path('test.jsonl'), 'utf8'))
    const answered = jsonLines<Predicted>(printed.stdout)
    const written = await predict([...args, '--input', path('test.jsonl'), '--output', first])
    expect(written).toEqual({ code: 0, stdout: `${first}: 20 rows\n`, stderr: '' })
    const rows = await tableOf(first)
    expect(rows.map((row) => Object.keys(row))).toEqual(asked.map(() => ['text', 'label', 'prediction', 'probability']))
    for (const [i, { prediction, probabilities }] of answered.entries()) {
      const { probability, ...rest } = rows[i]!
      expect(rest).toEqual({ text: asked[i]!.text, label: String(asked[i]!.label), prediction })
      expect(Number(probability)).toBeCloseTo(probabilities[prediction]!, 4)
    }
    const again = await predict([run, '--input', first, '--output', second])
    expect([again.code, again.stderr]).toEqual([
      0,
      "The input has a column 'prediction': the prediction's is 'prediction_2'.\n",
    ])
    expect(Object.keys((await tableOf(second))[0]!)).toEqual([...Object.keys(rows[0]!), 'prediction_2'])
    expect(readdirSync(path('out')).sort()).toEqual(['first.csv', 'second.tsv'])
    for (const file of [first, second]) rmSync(file)
  })

  test.skipIf(process.platform === 'win32')('a device is written into, and stays what it is', async () => {
    const before = statSync('/dev/null')
    expect(await predict([run, 'a', '--output', '/dev/null'])).toMatchObject({ code: 0, stdout: '/dev/null: 1 row\n' })
    expect(await predict([run, 'a', '--output', '/dev/null', '--force'])).toMatchObject({ code: 0 })
    const args = ['predict', run, 'a', '--output', '/dev/stdout', ...engine]
    const { stdout } = await start(args, {}, 'ignore', ['sh', '-c', '"$0" "$@" | cat']).ended
    expect(stdout).toMatch(/^.+\n\/dev\/stdout: 1 row\n$/)
    const { code: scored } = await compacter(['eval', run, '--predictions', '/dev/null', ...engine])
    expect(scored).toBe(0)
    expect(existsSync('/dev/null.manifest.json')).toBe(false)
    const { ino, mode, rdev } = statSync('/dev/null')
    expect({ ino, mode, rdev }).toEqual({ ino: before.ino, mode: before.mode, rdev: before.rdev })
  })

  test('what is neither file nor device is refused', async () => {
    expect((await predict([run, 'a', '--output', path('out'), '--force'])).stderr).toBe(
      `${path('out')}: is a folder. Choose another --output.\n`,
    )
  })

  test.each(['SIGKILL', 'SIGINT'] as const)('has no name after %s', async (signal) => {
    const { process, ended } = start(['predict', run, '--output', out, ...engine], {}, 'pipe')
    const temporary = () => readdirSync(path('out')).filter((name) => name.startsWith('.predictions.jsonl.'))
    process.stdin!.write('a film\n')
    const size = () => temporary().map((name) => readFileSync(path(`out/${name}`)).length)[0] ?? 0
    while (size() === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    process.kill(signal)
    expect((await ended).code).toBe(signal === 'SIGINT' ? 130 : null)
    expect(existsSync(out)).toBe(false)
    expect(temporary()).toHaveLength(signal === 'SIGINT' ? 0 : 1)
    for (const name of temporary()) rmSync(path(`out/${name}`))
  })

  test('an input that breaks off leaves nothing', async () => {
    const { code, stderr } = await predict([run, '--input', folder, '--output', out])
    expect([code, stderr]).toEqual([1, `${folder}: is a folder, not a file of rows.\n`])
    expect(readdirSync(path('out'))).toEqual([])
  })
})
