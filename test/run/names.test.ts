// expected: the names of the version that users' runs are from, see make_names.ts. A run resumes by them: trained
// tensors are stored under their names and start from a seed that their names are part of, and dropout masks are keyed
// by their places.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { methodOptions } from '../../src/method/options.js'
import { useEngine } from '../support/engines.js'
import { BACKBONES, dropoutPlaces, NAMES, type NamesFile, namesOf, optionsOf, VARIANTS } from './names.js'

const file: NamesFile = JSON.parse(readFileSync(NAMES, 'utf8'))

test('the variants cover every kind of method, and the file has each of them', () => {
  const kinds = methodOptions.options.map(({ shape }) => shape.kind.value)
  expect([...new Set(Object.keys(VARIANTS).map((variant) => optionsOf(variant).kind))].sort()).toEqual(kinds.sort())
  for (const name of Object.keys(BACKBONES))
    expect(Object.keys(file[name]!.variants).sort()).toEqual(Object.keys(VARIANTS).sort())
})

describe.each(Object.entries(BACKBONES))('on a T5 %s', (name, backbone) => {
  beforeAll(() => useEngine('wasm'))
  const { dropout, variants } = file[name]!

  test.each(Object.keys(VARIANTS))('%s has the tensors that runs of it have', (variant) => {
    expect(namesOf(backbone, variant)).toEqual(variants[variant])
  })

  test.each(Object.keys(VARIANTS))('%s asks for the dropout places that runs are keyed by, each once', (variant) => {
    for (const places of dropoutPlaces(backbone, variant)) expect(places.toSorted()).toEqual(dropout)
  })
})
