import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'

const LONGEST = 60

test('no function of src, commands or bin has more than 60 lines', () => {
  const long = ['src', 'commands', 'bin', 'scripts'].flatMap((folder) =>
    (readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }) as string[])
      .filter((file) => /\.(ts|cts|cjs|js)$/.test(file))
      .map((file) => join(folder, file))
      .flatMap((file) => longFunctions(file, readFileSync(join(packageRoot, file), 'utf8'))),
  )
  expect(long).toEqual([])
})

test('functions, methods and arrow functions are measured from their first line to their last', () => {
  const body = (lines: number) => `{\n${'  // …\n'.repeat(lines - 2)}}`
  const source = [
    `function f() ${body(61)}`,
    `class C {\nm() ${body(62)}\n}`,
    `const a = () => ${body(63)}`,
    `() => ${body(60)}`,
  ]
  expect(longFunctions('x.ts', source.join('\n'))).toEqual([
    'x.ts:1 f has 61 lines',
    'x.ts:63 m has 62 lines',
    'x.ts:126 a has 63 lines',
  ])
})

function longFunctions(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1
  const measured = (node: ts.Node): string[] => {
    const [first, last] = [lineOf(node.getStart(source)), lineOf(node.end)]
    const lines = last - first + 1
    const inner = childrenOf(node).flatMap(measured)
    return ts.isFunctionLike(node) && lines > LONGEST
      ? [`${file}:${first} ${nameOf(node, source)} has ${lines} lines`, ...inner]
      : inner
  }
  return measured(source)
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => void children.push(child))
  return children
}

/** Its own name, or that of what it is assigned to. */
function nameOf(node: ts.SignatureDeclaration, source: ts.SourceFile): string {
  const {
    name = ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent) ? node.parent.name : undefined,
  } = node
  return name?.getText(source) ?? 'a function'
}
