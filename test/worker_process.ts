// a worker in a process of its own: tsx test/worker_process.ts HOST:PORT
import { startServer } from '../src/engine/cluster/server.js'
import { loadLibrary } from '../src/engine/replay/library.js'
import { loadTensorflow } from '../src/engine/tensorflow.js'

const { engine } = loadTensorflow(1)
console.log(startServer(loadLibrary(engine), process.argv[2]!, 1).target)
setInterval(() => {}, 60_000)
