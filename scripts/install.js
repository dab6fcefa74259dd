// Installs the locked packages if they are missing.
import { install } from './bootstrap.js'

await install()
