import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { commandLine } from '../../../base/command_line.js'
import { writeAtomically } from '../../../base/files/atomic.js'
import { compileBinding, compileLoader } from './compile.js'
import { LOADER, WHEEL_ADDON } from './loader.js'
import { CUDA_WHEELS, type PinnedWheel, platformOf, TENSORFLOW_WHEELS } from './pinned.js'
import { runProgram } from './process.js'
import type { Origin } from './provision.js'
import { findCompiler, findPip, type Pip } from './tools.js'

const LIBRARIES = {
  linux: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  darwin: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
}

/** The headers that tfjs-node's binding includes, and Abseil's for our loader. */
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
            says = f'{found}, its RECORD says {hashes.get(name)}'
            sys.exit(f'error: {name} in {os.path.basename(wheel)} is damaged: {says}')
        if '/bin/' in name:
            os.chmod(path, 0o755)
`

/** The library inside TensorFlow's official Python wheel, with the addon compiled against it. */
export const wheel: Origin = async (folder, { cuda, unpinned, report }) => {
  if (process.platform === 'win32') throw new Error("on Windows the wheel's library lacks the C API")
  const tensorflow = TENSORFLOW_WHEELS[platformOf(cuda)]
  if (!tensorflow) throw new Error(`there is no wheel for ${platformOf(cuda)}`)
  const cudaWheels = cuda ? CUDA_WHEELS.map((wheel) => (tensorflow.hash ? wheel : { ...wheel, hash: undefined })) : []
  if (!tensorflow.hash && !unpinned) throw new Error(noHash(tensorflow, cuda))
  const compiler = await findCompiler()
  const pip = await findPip()
  const names = LIBRARIES[process.platform === 'darwin' ? 'darwin' : 'linux']
  const downloads = join(folder, 'downloads')

  report(`fetching ${tensorflow.requirement} with pip`)
  const [file] = await download(pip, join(downloads, 'tensorflow'), [tensorflow], report)
  report(`unpacking ${basename(file!)}`)
  await unpack(pip, file!, folder, `^tensorflow/(${names.map(escapeDots).join('|')}|${HEADERS})`)
  if (cuda) await addCuda(pip, cudaWheels, join(downloads, 'cuda'), folder, report)
  await rm(downloads, { recursive: true, force: true })

  const lib = join(folder, 'tensorflow')
  const include = join(lib, 'include')
  report('compiling the binding')
  await Promise.all([
    compileBinding(compiler, { include, lib, names, libFromAddon: 'tensorflow' }, join(folder, WHEEL_ADDON)),
    compileLoader(compiler, include, join(folder, LOADER)),
  ])
  await rm(join(include, 'absl'), { recursive: true, force: true })
  return { origin: `the pip wheel ${tensorflow.requirement.replace('==', ' ')}`, cuda }
}

const noHash = ({ requirement }: PinnedWheel, cuda: boolean) =>
  `the hash of ${requirement} for ${platformOf(cuda)} is not known to this version: ` +
  `\`${commandLine('setup --from wheel --unpinned')}\` takes the file that pip's index names, by the index's ` +
  'own hash'

/**
 * Downloads exact versions and returns the wheels' paths. Each must have its hash where one is known. There are no
 * retries: if the index can't be reached, pip would wait for minutes.
 */
async function download(
  pip: Pip,
  folder: string,
  wheels: PinnedWheel[],
  report: (line: string) => void,
): Promise<string[]> {
  const requirements = join(folder, 'requirements.txt')
  const lines = wheels.map(({ requirement, hash }) => (hash ? `${requirement} --hash=${hash}` : requirement))
  await mkdir(folder, { recursive: true })
  writeAtomically(requirements, `${lines.join('\n')}\n`)
  const [program, ...first] = pip.command
  const args = [...first, 'download', '--retries', '0', '--no-deps', '--only-binary', ':all:', '--progress-bar', 'off']
  if (wheels.every(({ hash }) => hash)) args.push('--require-hashes')
  args.push('--python-version', wheels[0]!.python, '-d', folder, '-r', requirements)
  const onLine = (line: string) => /^Downloading /.test(line) && report(line.replace(/^D/, 'd'))
  await runProgram(program, args, { seconds: 3600, onLine, env: { TMPDIR: folder } }) // removed whatever ends pip
  const names = (await readdir(folder)).filter((name) => name.endsWith('.whl'))
  return names.map((name) => join(folder, name))
}

const unpack = (pip: Pip, file: string, target: string, pattern: string) =>
  runProgram(pip.python, ['-I', '-c', UNPACK, file, target, pattern], { seconds: 1200 })

/** Unpacks CUDA's own wheels in the layout that pip makes, so that they find each other. */
async function addCuda(
  pip: Pip,
  wheels: PinnedWheel[],
  downloads: string,
  folder: string,
  report: (line: string) => void,
): Promise<void> {
  report(`fetching CUDA's libraries with pip: ${wheels.length} wheels`)
  for (const file of await download(pip, downloads, wheels, report)) {
    report(`unpacking ${basename(file)}`)
    await unpack(pip, file, folder, String.raw`^nvidia/.*(\.so(\.\d+)*|\.bc|/bin/ptxas)$`)
  }
}

const escapeDots = (name: string): string => name.replaceAll('.', String.raw`\.`)
