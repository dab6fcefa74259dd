import type { Ora } from 'ora'
import { INTERRUPTED } from '../base/error.js'
import { type Progress, silent } from '../base/progress.js'
import { errorLine, printable } from '../base/text/printable.js'

/** Drawn instead of a tick when a phase was stopped. */
const STOPPED = '■'

/** Without a terminal, the newest state is written at most this often. */
const PLAIN_INTERVAL_MS = 10_000

interface Wanted {
  /** Writes warnings only. */
  quiet?: boolean
}

/** Shows progress on stderr: a spinner if that is a terminal, else plain lines. stdout stays free for results. */
export async function terminalProgress({ quiet }: Wanted = {}): Promise<Progress> {
  if (quiet) return { ...silent, warn: warningLine }
  return process.stderr.isTTY ? printing(spinnerProgress((await import('ora')).default)) : plainProgress()
}

/**
 * As `terminalProgress`, but without a terminal it writes notes and warnings only: for commands in the middle of a
 * pipe.
 */
export async function pipeProgress(wanted: Wanted = {}): Promise<Progress> {
  if (wanted.quiet || process.stderr.isTTY) return terminalProgress(wanted)
  return { ...silent, note: errorLine, warn: errorLine }
}

/**
 * Makes the texts printable: they contain names and messages from other people, which must not control the terminal.
 */
const printing = (drawn: Progress): Progress => ({
  phase: (text) => drawn.phase(printable(text)),
  update: (text) => drawn.update(printable(text)),
  note: (text) => drawn.note(printable(text)),
  warn: (text) => drawn.warn(printable(text)),
  end: () => drawn.end(),
  stop: () => drawn.stop(),
})

function spinnerProgress(ora: (options: { stream: NodeJS.WriteStream; discardStdin: boolean }) => Ora): Progress {
  const spinner = ora({ stream: process.stderr, discardStdin: false })
  let phase = ''
  // A spinner keeps the process alive, so the command line reports here when an error has ended the work.
  ;(process as NodeJS.EventEmitter).once('compacter:failed', (exitCode: number) => {
    if (exitCode === INTERRUPTED) stop()
    else if (spinner.isSpinning) spinner.fail()
  })
  const stop = () => {
    if (spinner.isSpinning) spinner.stopAndPersist({ symbol: STOPPED })
  }
  const succeed = () => {
    if (spinner.isSpinning) spinner.succeed(spinner.text)
  }
  const aside = (write: () => void) => {
    const { isSpinning, text } = spinner
    spinner.stop()
    write()
    if (isSpinning) spinner.start(text)
  }
  return {
    phase(text) {
      succeed()
      phase = text
      spinner.start(text)
    },
    update: (text) => {
      spinner.text = `${phase} · ${text}`
    },
    note: (text) => aside(() => spinner.info(text)),
    warn: (text) => aside(() => spinner.warn(text)),
    end: succeed,
    stop,
  }
}

function plainProgress(): Progress {
  let written = performance.now()
  return {
    phase(text) {
      errorLine(text)
      written = performance.now()
    },
    update(text) {
      if (performance.now() - written < PLAIN_INTERVAL_MS) return
      errorLine(`  ${text}`)
      written = performance.now()
    },
    note: errorLine,
    warn: warningLine,
    end() {},
    stop() {},
  }
}

const warningLine = (text: string) => errorLine(`Warning: ${text}`)

/** Returns a duration in words: 7 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`
}
