// Named imports of its bundle would have Node read it through for their names first, a fifth of a short command's time.
const bundle = '@tensorflow/tfjs-core'
module.exports = require(bundle)
