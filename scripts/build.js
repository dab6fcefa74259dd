// npm run build: compiles to dist/ and copies files that are not compiled next to it.
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, succeed } from './bootstrap.js'

const dist = join(root, 'dist')

removeOutputsWithoutSource()
await succeed(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'])
const COPIED = [
  'tensor/tf.cjs',
  'tensor/tf.d.cts',
  'base/lock/beat.cjs',
  'measure/torch_step.py',
  'measure/torch_encoders.py',
  'measure/torch_methods.py',
  'measure/torch_models.py',
  'measure/peft_methods.py',
]
for (const file of COPIED) cpSync(join(root, 'src', file), join(dist, 'src', file))
copyTfjsNode()
await succeed(process.execPath, [join(root, 'node_modules/oclif/bin/run.js'), 'manifest'])

/** Removes outputs of renamed or deleted sources, which would still be found as commands. */
function removeOutputsWithoutSource() {
  for (const folder of ['src', 'commands']) {
    if (!existsSync(join(dist, folder))) continue
    for (const file of readdirSync(join(dist, folder), { recursive: true })) {
      const source = join(root, folder, file.replace(/\.js(\.map)?$/, '.ts'))
      if (/\.js(\.map)?$/.test(file) && !existsSync(source)) rmSync(join(dist, folder, file))
    }
  }
}

/**
 * Copies the parts of @tensorflow/tfjs-node-gpu that we use: its kernels, and its binding's sources, which `setup`
 * compiles. As a dependency npm would run its install script, which fails without Google's storage, and drop the
 * package.
 */
function copyTfjsNode() {
  const [from, to] = [join(root, 'node_modules/@tensorflow/tfjs-node-gpu'), join(dist, 'tfjs-node')]
  const modules = ['int64_tensors', 'nodejs_kernel_backend', 'register_all_kernels'].map((name) => `dist/${name}.js`)
  rmSync(to, { recursive: true, force: true })
  for (const part of ['package.json', 'binding', 'dist/kernels', 'dist/proto', ...modules]) {
    cpSync(join(from, part), join(to, part), { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  }
}
