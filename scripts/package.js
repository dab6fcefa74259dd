// npm run package: builds, and packs the file for `npm install --global`.
import { build, install, succeed } from './bootstrap.js'

await install()
await build()
await succeed('npm', ['pack', '--loglevel=warn'])
