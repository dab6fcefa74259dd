// npm run package: builds, and packs what `npm install --global` takes.
import { build, install, succeed } from './bootstrap.js'

await install()
await build()
await succeed('npm', ['pack', '--loglevel=warn'])
