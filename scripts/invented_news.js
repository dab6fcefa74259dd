// Writes configs/tasks/invented-news/*.conll: sentences of invented persons, places, organisations and events.
//   node scripts/invented_news.js [FOLDER]
// The same bytes each time. A third of the names are in validation and test only, so that a tagger has to read what
// stands around a name.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SPLITS = { train: 400, validation: 100, test: 100 }

const NAMES = {
  given: 'Ada Bram Cora Dario Edda Femi Greta Hugo Ines Jonas Kira Leo Mara Nils Odile Pavel Rosa Sven Tilda Umar Vera',
  family: 'Amsel Brandt Corvo Dahl Ekberg Fontane Grahl Holm Ivers Jansky Kestrel Lund Moreau Novak Orlov Petri Quist',
  place:
    'Alderwick Port|Lenna Brunholm Castelmar Dunmere Elverum Fairhaven Grisby Halden Istra Kalmora Lindau Monterra ' +
    'Norwell Ostia Quarr Ravenna Saint|Odo Tarn Upper|Vale Westerby',
  company:
    'Aurum Borealis Cobalt Delphin Ermine Falcon Granite Heron Indigo Juniper Krypton Lumen Meridian Nimbus Onyx',
  kind: 'Bank Steel Foods Press University Airlines Institute Council Group',
  event: 'Harvest Lantern Spring Midsummer River Jubilee Regatta Film Book',
  feast: 'Festival Fair Cup Prize',
}
const words = (text) => text.split(' ').map((name) => name.replace('|', ' '))
const PARTS = Object.fromEntries(Object.entries(NAMES).map(([key, text]) => [key, words(text)]))

const TEMPLATES = [
  '{PER} , who was born in {LOC} , will lead {ORG} from next year .',
  '{ORG} said on Monday that {PER} had left the board .',
  'The mayor of {LOC} opened the {MISC} with a short speech .',
  'Heavy rain closed the road between {LOC} and {LOC} for two days .',
  '{PER} beat {PER} in the final of the {MISC} in {LOC} .',
  'Shares of {ORG} rose after a report by {ORG} .',
  'A spokeswoman for {ORG} , {PER} , declined to comment .',
  'More than 300 people came to the {MISC} , although it was cold .',
  'In {LOC} , the price of bread has doubled since March .',
  '" We are not for sale , " {PER} told reporters in {LOC} .',
  'The jury of the {MISC} chose a novel by {PER} .',
  '{ORG} will build a new bridge near {LOC} .',
  'Nobody at the company would say who had signed the letter .',
  'Police in {LOC} are looking for a man who stole a boat .',
  '{PER} and {PER} met for the first time at the {MISC} .',
  'Workers at {ORG} in {LOC} went on strike on Friday .',
  'The weather will be dry and mild until the weekend .',
  'Her brother {PER} studied at {ORG} before the war .',
  'After the {MISC} , {ORG} paid for the repairs .',
  'Trains from {LOC} were late because of snow .',
]

/** A generator of integers below a bound: a linear congruential one of 31 bits. */
function drawing(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % below
  }
}

function sentence(draw, isTraining) {
  const one = (list) => list[draw(list.length)]
  const name = (key) => one(isTraining ? PARTS[key].slice(0, Math.ceil((2 * PARTS[key].length) / 3)) : PARTS[key])
  const make = {
    PER: () => (draw(4) === 0 ? name('family') : `${name('given')} ${name('family')}`),
    LOC: () => name('place'),
    ORG: () => (draw(3) === 0 ? name('company') : `${name('company')} ${one(PARTS.kind)}`),
    MISC: () => `${name('event')} ${one(PARTS.feast)}`,
  }
  return one(TEMPLATES)
    .split(' ')
    .flatMap((word) => {
      const [, type] = /^\{(\w+)\}$/.exec(word) ?? []
      if (type === undefined) return [[word, 'O']]
      return make[type]()
        .split(' ')
        .map((part, i) => [part, `${i === 0 ? 'B' : 'I'}-${type}`])
    })
}

const folder = process.argv[2] ?? join(import.meta.dirname, '../configs/tasks/invented-news')
mkdirSync(folder, { recursive: true })
const draw = drawing(20)
for (const [split, count] of Object.entries(SPLITS)) {
  const sentences = Array.from({ length: count }, () => sentence(draw, split === 'train'))
  const lines = sentences.map((own) => `${own.map((line) => line.join(' ')).join('\n')}\n`)
  writeFileSync(join(folder, `${split}.conll`), lines.join('\n'))
}
