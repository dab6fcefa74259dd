import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { assertNever } from '../../src/base/assert_never.js'
import { packageRoot } from '../../src/base/root.js'

/** Switches over values that others may add to, by file: what is not known there has a meaning. */
const OPEN: Record<string, string> = {
  'src/experiment/wording.ts': "zod's codes of issues",
  'src/task/parquet/values.ts': 'types in files that others write',
}

/** Tests of a method's kind outside of src/method, by file. Everything else asks a method what it does. */
const ASKS_FOR_A_KIND: Record<string, string> = {
  'src/format/adapterhub/names.ts': 'of the kinds that the library holds',
  'src/format/adapterhub/write.ts': 'of the kinds that the library holds',
  'src/format/names_elsewhere.ts': 'of the kinds that the libraries hold',
  'src/format/opendelta/write.ts': 'of the kinds that the library holds',
  'src/format/peft/names.ts': 'of the kinds that the library holds',
  'src/format/peft/write.ts': 'of the kinds that the library holds',
  'src/format/reference/read.ts': 'of the kinds that the checkpoint holds',
  'src/run/earlier.ts': 'a default that compacter had once',
}

const sources = ['src', 'commands'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
)
const textOf = (file: string) => readFileSync(join(packageRoot, file), 'utf8')

test('a value past the types throws, and is named', () => {
  expect(() => assertNever('lora' as never, 'method')).toThrow('not a method: "lora"')
})

test('every switch ends in assertNever or its own error, or is over values from outside', () => {
  const open = sources.flatMap((file) => switchesOf(file, textOf(file)).filter(({ closed }) => !closed))
  expect(open.filter(({ file }) => !(file in OPEN)).map(({ place }) => place)).toEqual([])
})

test('code outside of src/method does not ask which kind a method is', () => {
  const asking = sources.filter((file) => !file.startsWith(join('src', 'method')) && ASKS.test(textOf(file)))
  expect(asking.map((file) => file.replaceAll('\\', '/')).sort()).toEqual(Object.keys(ASKS_FOR_A_KIND).sort())
})

const ASKS = /\b(?:method|options)\.kind [!=]== '/

interface Switch {
  file: string
  place: string
  closed: boolean
}

function switchesOf(file: string, text: string): Switch[] {
  if (!text.includes('switch (')) return [] // parsing takes time
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Switch[] = []
  const visit = (node: ts.Node) => {
    if (ts.isSwitchStatement(node)) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ file: file.replaceAll('\\', '/'), place: `${file}:${line}`, closed: endsInError(node) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function endsInError({ caseBlock: { clauses } }: ts.SwitchStatement): boolean {
  const last = clauses.at(-1)
  if (!last || !ts.isDefaultClause(last)) return false
  return /^(?:throw |(?:return )?assertNever\()/.test(last.statements[0]?.getText() ?? '')
}
