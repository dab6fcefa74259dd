import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import protobuf from 'google-protobuf'
import { append, writeAtomically } from '../../base/files/atomic.js'
import { readBytes } from '../../base/files/read.js'
import type { MetricsLine } from './metrics_log.js'
import { frameRecord, readRecords } from './tfrecord.js'

/**
 * Event files next to metrics.jsonl. They are written here and not by tf.node.summaryFileWriter, which exists only with
 * the native engine. Field numbers: tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */
const WALL_TIME = 1
const STEP = 2
const FILE_VERSION = 3
const SUMMARY = 5
const VALUE = 1
const TAG = 1
const SIMPLE_VALUE = 2

/** Appends a line's figures as scalars to the newest event file of the folder, or to a new one if it has none. */
export function appendEvent(folder: string, line: MetricsLine): void {
  const file = eventFiles(folder).at(-1) ?? beginEvents(folder)
  append(file, frameRecord(scalarsEvent(line, Date.now() / 1000)))
}

/**
 * Drops what was logged after `step`, in a folder that has event files. Later events go to a new file: TensorBoard
 * follows a folder from file to file, but does not notice that the file it is reading was replaced. `say` is called if
 * there are fewer events than lines in metrics.jsonl: what follows damage in a file is lost.
 */
export function truncateEvents(folder: string, step: number, lines: number, say: (text: string) => void): void {
  const files = eventFiles(folder)
  if (files.length === 0) return
  let events = 0
  for (const file of files) {
    const before = readBytes(file)
    const kept = [...readRecords(before)].filter((event) => stepOf(event) <= step)
    events += kept.filter((event) => stepOf(event) > 0).length
    const bytes = Buffer.concat(kept.map(frameRecord))
    if (bytes.length < before.length) writeAtomically(file, bytes)
  }
  if (events < lines)
    say(
      `${folder}: TensorBoard's files are damaged and lack ${lines - events} of ${lines} events; metrics.jsonl ` +
        'has them.',
    )
  beginEvents(folder)
}

/** Readers accept any file whose name contains `tfevents`. */
export const isEventFile = (name: string): boolean => /^events\.out\.tfevents\.\d+\.compacter$/.test(name)

/** Returns the event files, oldest first. */
const eventFiles = (folder: string) =>
  readdirSync(folder)
    .filter(isEventFile)
    .sort()
    .map((name) => join(folder, name))

/** Makes a new event file. Names sort by the second in them, and readers take files in that order. */
function beginEvents(folder: string): string {
  let second = Math.floor(Date.now() / 1000)
  const named = () => join(folder, `events.out.tfevents.${String(second).padStart(10, '0')}.compacter`)
  while (existsSync(named())) second++
  const version = new protobuf.BinaryWriter()
  version.writeDouble(WALL_TIME, second)
  version.writeString(FILE_VERSION, 'brain.Event:2')
  writeAtomically(named(), frameRecord(version.getResultBuffer()))
  return named()
}

/** Names scalars `train/loss` for a step, `validation/accuracy` for an evaluation. */
function scalarsEvent({ step, split = 'train', ...figures }: MetricsLine, wallTime: number): Uint8Array {
  const event = new protobuf.BinaryWriter()
  event.writeDouble(WALL_TIME, wallTime)
  event.writeInt64(STEP, step)
  event.writeMessage(SUMMARY, figures, () => {
    for (const [name, value] of Object.entries(figures)) {
      event.writeMessage(VALUE, value, () => {
        event.writeString(TAG, `${split}/${name}`)
        event.writeFloat(SIMPLE_VALUE, Number(value))
      })
    }
  })
  return event.getResultBuffer()
}

/**
 * Returns the step of an event, 0 if it has none; infinity for bytes that are not an event, so that they are dropped.
 */
function stepOf(event: Buffer): number {
  try {
    const reader = new protobuf.BinaryReader(event)
    while (reader.nextField()) {
      if (reader.getFieldNumber() === STEP) return reader.readInt64()
      reader.skipField()
    }
    return 0
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
