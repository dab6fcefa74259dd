// Installs the locked packages if they are not there.
import { install } from './bootstrap.js'

await install()
