// npm run setup
import { build, compacter, install } from './bootstrap.js'

await install()
await build()
await compacter('setup', ...process.argv.slice(2))
