import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { hideSecrets, withoutSecrets } from '../../src/base/secrets.js'
import { printable } from '../../src/base/text/printable.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'secrets-'))
  vi.stubEnv('HF_HOME', home)
  vi.stubEnv('HF_TOKEN_PATH', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

test.each([
  ['HF_TOKEN', 'hf_abcdefgh', 'Bearer hf_abcdefgh\n', 'Bearer ***\n'],
  ['HUGGING_FACE_HUB_TOKEN', 'hf_abcdefgh', 'xhf_abcdefghx', 'x***x'],
  ['HF_TOKEN', 'hf_firstline\r\nhf_secondline', 'hf_secondline, hf_firstline', '***, ***'],
  ['HF_TOKEN', 'hf_a"b\\cdef', '"hf_a\\"b\\\\cdef" hf_a"b\\cdef', '"***" ***'],
  ['HF_ENDPOINT', 'http://me:pass@word@hub', 'pass@word, pass%40word', '***, ***'],
  ['https_proxy', 'me:correcthorse@proxy:8080', 'denied: correcthorse', 'denied: ***'],
  ['PIP_EXTRA_INDEX_URL', 'https://a:firstpass@x https://b:p%2Fsecond@y', 'firstpass p/second', '*** ***'],
  ['SOME_MIRROR', 'ftp://me:correct/horse@x/y', 'correct/horse', '***'],
])('%s is hidden wherever it occurs', (name, value, text, shown) => {
  vi.stubEnv(name, value)
  expect(hideSecrets(text)).toBe(shown)
})

test('user and password of any address are hidden, known or not', () => {
  expect(hideSecrets('at "http://me:x@host:80/a@b?c=d@e", ssh://git@host, mail a@b.c, 1:2@3')).toBe(
    'at "http://***@host:80/a@b?c=d@e", ssh://***@host, mail a@b.c, 1:2@3',
  )
})

test('every line of the token file is hidden, and nothing of another file', () => {
  writeFileSync(join(home, 'token'), '\n hf_abcdefgh \nmy other line\n')
  expect(hideSecrets('hf_abcdefgh: my other line')).toBe('***: ***')
  vi.stubEnv('HF_TOKEN_PATH', home) // a folder
  expect(hideSecrets('hf_abcdefgh')).toBe('hf_abcdefgh')
})

test('short values do not hide words', () => {
  vi.stubEnv('HTTP_PROXY', 'http://me:train@proxy')
  expect(hideSecrets('train it, by http://me:train@proxy')).toBe('train it, by http://***@proxy')
})

test('what is printed hides secrets, control characters in them too', () => {
  vi.stubEnv('HF_TOKEN', 'of a worker\x1b')
  expect(printable('of a worker\x1b\x07')).toBe('***\\u0007')
})

test('a value for a file keeps its numbers and keys', () => {
  vi.stubEnv('HTTP_PROXY', 'http://me:12345678@proxy')
  const value = { '12345678': [0.12345678, 'why: 12345678', null], undefined: undefined }
  expect(withoutSecrets(value)).toEqual({ '12345678': [0.12345678, 'why: ***', null] })
})

test('a long text takes no longer than its length', () => {
  const started = performance.now()
  hideSecrets('a'.repeat(2 ** 21))
  hideSecrets('://'.repeat(2 ** 19))
  expect(performance.now() - started).toBeLessThan(5000)
})
