// `compacter worker` from the sources, in a process of its own: tsx test/worker_process.ts HOST:PORT [threads]
import { serve } from '../src/engine/cluster/serve.js'

const [listen = '127.0.0.1:0', threads = '1'] = process.argv.slice(2)
await serve({ listen, tokenFile: undefined, threads: Number(threads), log: (line) => console.log(line) })
