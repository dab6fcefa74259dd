import { fstatSync, writeSync } from 'node:fs'

const STDOUT = 1

/**
 * Standard output that can't be written ends the command: with one line and exit code 1, or without a word where its reader,
 * such as head, has seen enough. Progress that nobody reads ends nothing. `describe` makes a line of an error.
 */
export function guardStreams(describe) {
  let failed = false
  process.stdout.removeAllListeners('error') // oclif's throws
  process.stdout.on('error', async (error) => {
    if (error.code === 'EPIPE') process.exit()
    if (failed) return
    failed = true
    process.stderr.write(`${await describe(error)}\n`)
    process.exit(process.exitCode || 1)
  })
  process.stderr.on('error', () => {})
  if (isFile(STDOUT)) process.stdout._write = writeWhole
  return { failed: () => failed }
}

function isFile(fd) {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false // closed
  }
}

/** Node's own takes no notice where a disk that fills up takes a part only: the output would be cut, and the exit code 0. */
function writeWhole(chunk, _encoding, done) {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(STDOUT, chunk, at)
    done()
  } catch (error) {
    done(error)
  }
}
