// npm test: installs and builds what the suite needs, then runs it.
import { join } from 'node:path'
import { build, install, root, setup, succeed } from './bootstrap.js'

await install()
await build()
await setup()
await succeed(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)])
