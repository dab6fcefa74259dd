import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { outputOf } from '../../../src/base/program.js'
import { enginesFolder, findEngines } from '../../../src/engine/device/provision/cache.js'
import { loadPlan } from '../../../src/engine/device/provision/loader.js'
import { CUDA_WHEELS, LIBTENSORFLOW, TENSORFLOW_WHEELS } from '../../../src/engine/device/provision/pinned.js'
import { provision } from '../../../src/engine/device/provision/provision.js'
import { missingTools } from '../../../src/engine/device/provision/tools.js'
import { loadTensorflow } from '../../../src/engine/device/tensorflow.js'
import { folder, pinned, real, serveLibtensorflow, WHEEL, writeWheel } from './lent_library.js'

describe.skipIf(!real || process.platform !== 'linux' || process.arch !== 'x64')('provision', () => {
  test('takes the wheel when the host is out of reach, once for two set-ups at once, and then at once', async () => {
    writeWheel()
    mkdirSync(join(enginesFolder(), '.partial-of-a-killed-set-up'), { recursive: true })
    writeFileSync(join(folder, 'wheels', WHEEL.replace('9.1.0', '9.2.0')), 'newer, and not the one that is known')
    const both = await Promise.all([provision(), provision()])
    expect(both.map(({ already }) => already).sort()).toEqual([false, true])
    const built = both.find(({ already }) => !already)!
    expect(built.failures).toEqual([{ origin: 'download', reason: "127.0.0.1:65535 can't be reached (ECONNREFUSED)" }])
    expect(built.engine!.record).toMatchObject({
      tfjs: '4.22.0',
      tensorflow: real!.record.tensorflow,
      origin: 'the pip wheel tensorflow-cpu 9.1.0',
      cuda: false,
    })
    expect(Object.keys(built.engine!.record.sha256!)).toEqual(Object.keys(built.engine!.record.files))
    expect(built.engine!.record.files).toHaveProperty('loader.node')
    expect(readdirSync(enginesFolder())).toEqual([built.engine!.folder.split('/').at(-1)])
    expect(JSON.parse(readFileSync(join(built.engine!.folder, 'engine.json'), 'utf8'))).toEqual(built.engine!.record)

    const begin = performance.now()
    expect(await provision()).toEqual({ engine: built.engine, already: true, failures: [] })
    expect(performance.now() - begin).toBeLessThan(2000)

    // An older version recorded no hashes.
    const { sha256, ...older } = built.engine!.record
    writeFileSync(join(built.engine!.folder, 'engine.json'), JSON.stringify({ ...older, addon: 'tfjs_binding.node' }))
    const unhashed = 'an older version set it up, which recorded no hashes'
    expect(findEngines()).toEqual({ usable: [], refused: [{ folder: built.engine!.folder, reason: unhashed }] })
    expect(await provision()).toEqual({ engine: built.engine, already: true, failures: [] })
    expect(findEngines().usable[0]!.record.sha256).toEqual(sha256)

    truncateSync(join(built.engine!.folder, 'tensorflow', 'libtensorflow_cc.so.2'), 100)
    const reason = `tensorflow/libtensorflow_cc.so.2 has 100 bytes of ${built.engine!.record.files['tensorflow/libtensorflow_cc.so.2']}`
    expect(findEngines()).toEqual({ usable: [], refused: [{ folder: built.engine!.folder, reason }] })
  })

  test('loads nothing that others could have written or that changed since', async () => {
    writeWheel()
    const { engine } = await provision()
    const { folder: made, record } = engine!
    const [binding, json] = ['tfjs_binding.node', 'engine.json'].map((name) => join(made, name)) as [string, string]
    const allowed = () => findEngines().refused.map(({ reason }) => reason)
    expect(allowed()).toEqual([])

    // A library that is there already, and hashed, costs a start nothing.
    loadPlan(engine!)
    const begin = performance.now()
    expect(loadPlan(engine!).addon).toBe(binding)
    expect(performance.now() - begin).toBeLessThan(200)

    const remedy = 'take that right away, or set COMPACTER_CACHE to a folder of your own'
    // Closed to others, these would protect what is below.
    for (const path of [folder, join(folder, 'cache'), enginesFolder()]) chmodSync(path, 0o755)
    for (const path of [enginesFolder(), made, binding, json]) {
      const { mode } = statSync(path)
      chmodSync(path, 0o777)
      expect(allowed()).toEqual([`${path} can be written by others (mode 777): ${remedy}`])
      chmodSync(path, mode & 0o755)
    }
    chmodSync(join(folder, 'cache'), 0o777)
    const refused = `${join(folder, 'cache')} can be written by others (mode 777): ${remedy}`
    expect(await provision()).toMatchObject({ engine: undefined, failures: [{ origin: 'cache', reason: refused }] })
    expect(() => loadTensorflow(1)).toThrow(`${made}: ${refused}`)
    chmodSync(join(folder, 'cache'), 0o755)

    // The same size and time, other bytes; the name of the addon is not taken from the record.
    writeFileSync(json, JSON.stringify({ ...record, addon: '../evil.node', loader: '../evil.node' }))
    expect(loadPlan(findEngines().usable[0]!)).toMatchObject({ addon: binding, loader: join(made, 'loader.node') })
    const [bytes, { atime, mtime }] = [readFileSync(binding), statSync(binding)]
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(binding, bytes)
    utimesSync(binding, atime, mtime)
    expect(() => loadPlan(findEngines().usable[0]!)).toThrow(
      `tfjs_binding.node is not the file that was set up: remove ${made}`,
    )
    expect(() => loadTensorflow(1)).toThrow('tfjs_binding.node is not the file that was set up')
  })

  test("takes tfjs-node's own download and compiles the binding that the host lacks", async () => {
    await serveLibtensorflow()
    const { engine, already, failures } = await provision()
    expect({ already, failures }).toEqual({ already: false, failures: [] })
    expect(engine!.record).toMatchObject({
      origin: "tfjs-node's download of libtensorflow 2.9.1",
      tensorflow: real!.record.tensorflow,
    })
    expect(engine!.record.sha256).toHaveProperty(['lib/napi-v8/tfjs_binding.node'])
  })

  test('refuses a download that breaks off and leaves nothing behind', async () => {
    await serveLibtensorflow(1000)
    const { engine, failures } = await provision({ from: 'download' })
    expect(engine).toBeUndefined()
    expect(failures[0]!.reason).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/libtensorflow-cpu-linux-x86_64-2\.9\.1\.tar\.gz broke off \(/,
    )
    expect(readdirSync(enginesFolder())).toEqual([])
  })

  test('unpacks no archive that has another hash, and asks no host without encryption', async () => {
    await serveLibtensorflow()
    const known = pinned.archives['linux x64']!.sha256
    const served = LIBTENSORFLOW['linux x64']!.sha256
    LIBTENSORFLOW['linux x64']!.sha256 = known
    const address = process.env.TFJS_NODE_BASE_URI!
    const refused = await provision({ from: 'download' })
    const reason = `${address}cpu-linux-x86_64-2.9.1.tar.gz is not what this version knows: its SHA-256 is ${served}, not ${known}`
    expect(refused).toMatchObject({ engine: undefined, failures: [{ origin: 'download', reason }] })
    vi.stubEnv('TFJS_NODE_BASE_URI', 'http://mirror.invalid/libtensorflow-')
    const { failures } = await provision({ from: 'download' })
    expect(failures[0]!.reason).toBe('http://mirror.invalid/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz is not https')
    expect(readdirSync(enginesFolder())).toEqual([])
  })

  test('refuses a wheel with another hash, and without --unpinned one whose hash is not known', async () => {
    writeWheel()
    TENSORFLOW_WHEELS['linux x64']!.hash = pinned.wheels['linux x64']!.hash
    const refused = await provision({ from: 'wheel' })
    expect(refused.engine).toBeUndefined()
    expect(refused.failures[0]!.reason).toMatch(/^python3 failed: ERROR: THESE PACKAGES DO NOT MATCH THE HASHES/)

    TENSORFLOW_WHEELS['linux x64']!.hash = undefined
    const unknown = await provision({ from: 'wheel' })
    expect(unknown.failures[0]!.reason).toBe(
      "the hash of tensorflow-cpu==9.1.0 for linux x64 is not known to this version: `compacter setup --from wheel --unpinned` takes the file that pip's index names, by the index's own hash",
    )
    vi.stubEnv('CXX', 'no-such-compiler') // goes on until there
    const { failures } = await provision({ from: 'wheel', unpinned: true })
    expect(failures[0]!.reason).toMatch(/^no C\+\+ compiler/)
  })

  test('refuses a wheel whose library is not the one that was recorded', async () => {
    writeWheel({ damage: true })
    const { engine, failures } = await provision({ from: 'wheel' })
    expect(engine).toBeUndefined()
    expect(failures[0]!.reason).toMatch(
      /^python3 failed: error: tensorflow\/libtensorflow_cc\.so\.2 in tensorflow_cpu-9\.1\.0-py3-none-any\.whl is damaged: /,
    )
    expect(readdirSync(enginesFolder())).toEqual([])
  })

  test('runs no module and no program of the current folder', async () => {
    writeWheel()
    const here = join(folder, 'here')
    mkdirSync(here)
    const ran = join(folder, 'ran')
    for (const name of ['pip', 'csv', 'base64', 'zipfile', 'sitecustomize']) {
      writeFileSync(join(here, `${name}.py`), `open(${JSON.stringify(ran)}, 'a').write('${name}.py ')\n`)
    }
    for (const name of ['python3', 'pip', 'g++', 'c++', 'as', 'ld', 'tar', 'nvidia-smi', 'git']) {
      writeFileSync(join(here, name), `#!/bin/sh\nprintf '%s ' ${name} >> ${ran}\nexit 1\n`, { mode: 0o755 })
    }
    vi.stubEnv('PATH', ['.', '', process.env.PATH].join(':'))
    vi.stubEnv('PYTHONPATH', '.')
    vi.stubEnv('PIP_FIND_LINKS', '../wheels')
    const before = process.cwd()
    process.chdir(here)
    try {
      const { engine, failures } = await provision({ from: 'wheel' })
      expect(failures).toEqual([])
      expect(engine!.record.origin).toBe('the pip wheel tensorflow-cpu 9.1.0')
      await missingTools()
      expect(outputOf('git', ['--version'])).toMatch(/^git version/)
    } finally {
      process.chdir(before)
    }
    expect(existsSync(ran) ? readFileSync(ran, 'utf8') : '').toBe('')
  })

  test('asks for a compiler before it downloads anything', async () => {
    vi.stubEnv('CXX', 'no-such-compiler')
    const lines: string[] = []
    const { failures } = await provision({ from: 'wheel', report: (line) => lines.push(line) })
    expect(failures).toEqual([
      {
        origin: 'wheel',
        reason: 'no C++ compiler (looked for no-such-compiler; Debian and Ubuntu: apt install g++)',
      },
    ])
    expect(lines).toEqual([])
  })
})

test('every file that set-up runs has an exact version, and a hash unless set-up says otherwise', () => {
  for (const [platform, { requirement, hash }] of [...Object.entries(TENSORFLOW_WHEELS), ...CUDA_WHEELS.entries()]) {
    expect(requirement).toMatch(/^[\w-]+==\d+(\.\d+)+$/)
    if (!/arm64/.test(String(platform))) expect(hash).toMatch(/^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/)
  }
  for (const { sha256 } of Object.values(LIBTENSORFLOW)) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
})
