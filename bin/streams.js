import { fstatSync, writeSync } from 'node:fs'

const STDOUT = 1

/**
 * Ends the command if standard output can't be written: with one line and exit code 1, or silently if its reader, such
 * as head, has seen enough. If nobody reads progress, the command continues. `describe` makes a line of an error.
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

/**
 * Writes a whole chunk. Node's own write ignores it if a full disk accepts only a part: the output would be cut, with
 * exit code 0.
 */
function writeWhole(chunk, _encoding, done) {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(STDOUT, chunk, at)
    done()
  } catch (error) {
    done(error)
  }
}
