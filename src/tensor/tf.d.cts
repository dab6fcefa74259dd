import tf = require('@tensorflow/tfjs-core')
export = tf
