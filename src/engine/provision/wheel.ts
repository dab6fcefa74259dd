import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { compileBinding, compileLoader } from './compile.js'
import { LOADER, WHEEL_ADDON } from './loader.js'
import { runProgram } from './process.js'
import type { Origin } from './provision.js'
import { findCompiler, findPip, type Pip } from './tools.js'

const LIBRARIES = {
  linux: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  darwin: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
}

/** What tfjs-node's binding includes, and Abseil for our loader. */
const HEADERS = 'include/(tensorflow/c/|tensorflow/core/platform/ctstring|tsl/platform/ctstring|xla/tsl/c/|absl/)'

/** Unpacks the matching files in pieces (one library has 788 MB), each checked against the wheel's own RECORD. */
const UNPACK = `
import base64, csv, hashlib, io, os, re, sys, zipfile
wheel, target, pattern = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    record = next(name for name in archive.namelist() if name.endswith('.dist-info/RECORD'))
    hashes = {row[0]: row[1] for row in csv.reader(io.TextIOWrapper(archive.open(record), 'utf-8')) if row}
    for name in archive.namelist():
        if name.endswith('/') or '..' in name.split('/') or not re.search(pattern, name):
            continue
        path, digest = os.path.join(target, name), hashlib.sha256()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(name) as source, open(path, 'wb') as out:
            for piece in iter(lambda: source.read(1 << 20), b''):
                digest.update(piece)
                out.write(piece)
        found = 'sha256=' + base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()
        if hashes.get(name) != found:
            sys.exit(f'error: {name} in {os.path.basename(wheel)} is damaged: {found}, its RECORD says {hashes.get(name)}')
        if '/bin/' in name:
            os.chmod(path, 0o755)
`

/** The library inside TensorFlow's official Python wheel, with the addon compiled against it. */
export const wheel: Origin = async (folder, { cuda, report }) => {
  if (process.platform === 'win32') throw new Error("on Windows the wheel's library lacks the C API")
  const compiler = await findCompiler()
  const pip = await findPip()
  const distribution = cuda || process.platform === 'darwin' ? 'tensorflow' : 'tensorflow-cpu'
  const names = LIBRARIES[process.platform === 'darwin' ? 'darwin' : 'linux']
  const downloads = join(folder, 'downloads')

  report(`fetching ${distribution} with pip`)
  const file = await download(pip, downloads, [distribution], report)
  report(`unpacking ${file[0]}`)
  await unpack(pip, downloads, file[0]!, folder, `^tensorflow/(${names.map(escapeDots).join('|')}|${HEADERS})`)
  if (cuda) await addCuda(pip, downloads, file[0]!, folder, report)
  await rm(downloads, { recursive: true, force: true })

  const lib = join(folder, 'tensorflow')
  const include = join(lib, 'include')
  report('compiling the binding')
  await Promise.all([
    compileBinding(compiler, { include, lib, names, libFromAddon: 'tensorflow' }, join(folder, WHEEL_ADDON)),
    compileLoader(compiler, include, join(folder, LOADER)),
  ])
  await rm(join(include, 'absl'), { recursive: true, force: true })
  return {
    origin: `the pip wheel ${distribution} ${file[0]!.split('-')[1]}`,
    cuda,
  }
}

/**
 * The wheels' file names. No retries: where the index can't be reached pip would wait for minutes.
 * Only the libraries inside matter, so a wheel of another Python serves where this one is too new.
 */
async function download(pip: Pip, folder: string, what: string[], report: (line: string) => void): Promise<string[]> {
  const [program, ...first] = pip.command
  const args = [...first, 'download', '--retries', '0', '--no-deps', '--only-binary', ':all:', '--progress-bar', 'off']
  const onLine = (line: string) => /^Downloading /.test(line) && report(line.replace(/^D/, 'd'))
  let failure: unknown
  for (const python of [[], ['--python-version', '3.12'], ['--python-version', '3.11']]) {
    try {
      await runProgram(program, [...args, ...python, '-d', folder, ...what], { seconds: 3600, onLine })
      return await readdir(folder)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

const unpack = (pip: Pip, downloads: string, file: string, target: string, pattern: string) =>
  runProgram(pip.python, ['-I', '-c', UNPACK, join(downloads, file), target, pattern], { seconds: 1200 })

/** CUDA's own wheels, those that TensorFlow's metadata asks for, laid out as pip would, so that they find each other. */
async function addCuda(pip: Pip, downloads: string, file: string, folder: string, report: (line: string) => void) {
  await unpack(pip, downloads, file, downloads, String.raw`^[^/]+\.dist-info/METADATA$`)
  const info = (await readdir(downloads)).find((name) => name.endsWith('.dist-info'))!
  const metadata = await readFile(join(downloads, info, 'METADATA'), 'utf8')
  const wanted = [...metadata.matchAll(/^Requires-Dist: ([^;]+); extra == ["']and-cuda["']/gm)].map(
    (match) => match[1]!,
  )
  const wheels = join(downloads, 'cuda')
  report(`fetching CUDA's libraries with pip: ${wanted.length} wheels`)
  for (const name of await download(pip, wheels, wanted, report)) {
    report(`unpacking ${name}`)
    await unpack(pip, wheels, name, folder, String.raw`^nvidia/.*(\.so(\.\d+)*|\.bc|/bin/ptxas)$`)
  }
}

const escapeDots = (name: string): string => name.replaceAll('.', String.raw`\.`)
