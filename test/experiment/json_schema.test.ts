import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SCHEMA_KINDS } from '../../src/base/choices.js'
import { packageRoot } from '../../src/base/root.js'
import { fileSchema } from '../../src/catalogue/json_schema.js'

const read = (file: string) => readFileSync(join(packageRoot, file), 'utf8')

// Written by `compacter config schema --for KIND > configs/KIND.schema.json && npm run format`.
test.each(SCHEMA_KINDS)('configs/%s.schema.json is what the schema says', (kind) => {
  expect(JSON.parse(read(`configs/${kind}.schema.json`))).toEqual(JSON.parse(JSON.stringify(fileSchema(kind))))
})

const shipped = ['configs', 'experiments'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => join(folder, file)),
)

/** The kind of file that each folder holds. */
const KIND_OF = {
  'configs/backbones': 'backbone',
  'configs/methods': 'method',
  'configs/tasks': 'task',
  'configs/sweeps': 'sweep',
  experiments: 'experiment',
}

const ajv = new Ajv2020({ allErrors: true })
const validators = new Map(SCHEMA_KINDS.map((kind) => [kind as string, ajv.compile(fileSchema(kind))]))

describe('every shipped YAML file', () => {
  test('is one of 65 at least', () => expect(shipped.length).toBeGreaterThanOrEqual(65))

  test.each(shipped)('%s names the schema of its kind in its first line, and is valid', (file) => {
    const [first] = read(file).split('\n')
    const named = /^# yaml-language-server: \$schema=(.+)$/.exec(first!)?.[1]
    const [, kind] = Object.entries(KIND_OF).find(([folder]) => file.startsWith(`${folder}/`))!
    const schema = resolve(packageRoot, dirname(file), named!)
    expect(relative(packageRoot, schema)).toBe(`configs/${kind}.schema.json`)
    expect(existsSync(schema)).toBe(true)
    const validate = validators.get(kind)!
    validate(parse(read(file)))
    expect(validate.errors ?? []).toEqual([])
  })
})

describe('a schema refuses', () => {
  const wrong = (kind: string, file: string, change: object) => {
    const validate = validators.get(kind)!
    return validate({ ...parse(read(file)), ...change })
      ? []
      : validate.errors!.map(({ keyword, params }) => ({ keyword, ...params }))
  }

  test.each([
    ['experiment', 'experiments/quickstart.yaml', 'trainin'],
    ['method', 'configs/methods/compacter.yaml', 'ranks'],
    ['task', 'configs/tasks/glue/rte.yaml', 'name'],
    ['backbone', 'configs/backbones/t5-small.yaml', 'sources'],
    ['sweep', 'configs/sweeps/quick.yaml', 'axis'],
  ])('in a file of kind %s an unknown key', (kind, file, key) => {
    expect(wrong(kind, file, { [key]: 1 })).toContainEqual({ keyword: 'additionalProperties', additionalProperty: key })
  })

  test.each([
    ['experiment', 'experiments/quickstart.yaml', { method: 'compact' }],
    ['method', 'configs/methods/compacter.yaml', { rank: 0 }],
    ['task', 'configs/tasks/glue/rte.yaml', { split: 'thirds' }],
    ['backbone', 'configs/backbones/t5-small.yaml', { tokenizer_vocabulary: '32100' }],
    ['sweep', 'configs/sweeps/quick.yaml', { axes: { 'method.n': 4 } }],
  ])('in a file of kind %s a wrong value', (kind, file, change) => {
    expect(wrong(kind, file, change)).not.toEqual([])
  })
})
