// The heartbeat's thread: it runs while the main one computes, hashes or waits for a slow disk.
const { closeSync, futimesSync, openSync, readFileSync } = require('node:fs')
const { parentPort, workerData } = require('node:worker_threads')

/** Lock files by their owner. */
const held = new Map()

parentPort.on('message', ({ owner, file }) => {
  if (file === undefined) held.delete(owner)
  else held.set(owner, file)
})

setInterval(() => {
  for (const [owner, file] of held) {
    if (beat(owner, file)) continue
    held.delete(owner)
    parentPort.postMessage(owner)
  }
}, workerData.everyMs)

/**
 * Touches the lock file. Returns false where it belongs to another process by now; one that is missing or out of reach
 * may come back.
 */
function beat(owner, file) {
  let fd
  try {
    fd = openSync(file, 'r+')
    if (!readFileSync(fd, 'utf8').includes(owner)) return false
    const now = new Date()
    futimesSync(fd, now, now)
  } catch {
    // the work itself reports it if the folder is gone
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
  return true
}
