import { byteSize } from './text/size.js'

/** Long work reports its progress here. A terminal draws it; a test or a library may ignore it. */
export interface Progress {
  /** A new phase begins; the one before is done. */
  phase(text: string): void
  /** The running phase's newest state, drawn over the one before. */
  update(text: string): void
  /** A line that stays. */
  note(text: string): void
  /** A line that stays and asks for attention. */
  warn(text: string): void
  /** The last phase is done. */
  end(): void
  /** The running phase ended before it was done: it was stopped, or it failed. */
  stop(): void
}

export const silent: Progress = { phase() {}, update() {}, note() {}, warn() {}, end() {}, stop() {} }

/** Draws the progress of a download, and prints its notes. */
export const showDownload = (progress: Progress) => ({
  onProgress: ({ file, bytes, totalBytes }: { file: string; bytes: number; totalBytes: number }): void =>
    progress.update(`downloading ${file}: ${byteSize(bytes)} of ${byteSize(totalBytes)}`),
  onNote: progress.note,
})
