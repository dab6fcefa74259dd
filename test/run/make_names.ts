// Adds to test/fixtures/names.json the names of what it does not have yet: a new variant in names.ts.
//   npx tsx test/run/make_names.ts
// Names that are there stay: users have runs with them, so a change of ours must not be hidden by writing them anew.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { useEngine } from '../support/engines.js'
import { BACKBONES, dropoutPlaces, NAMES, type NamesFile, namesOf, VARIANTS } from './names.js'

await useEngine('wasm')
const known: NamesFile = existsSync(NAMES) ? JSON.parse(readFileSync(NAMES, 'utf8')) : {}
const all = Object.entries(BACKBONES).map(([name, backbone]) => {
  const variants = Object.keys(VARIANTS).map((variant) => [variant, namesOf(backbone, variant)])
  return [
    name,
    {
      dropout: known[name]?.dropout ?? dropoutPlaces(backbone, 'full')[0]!.toSorted(),
      variants: { ...Object.fromEntries(variants), ...known[name]?.variants },
    },
  ]
})
writeFileSync(NAMES, `${JSON.stringify(Object.fromEntries(all), null, 1)}\n`)
