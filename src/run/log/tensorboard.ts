import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
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
  const version = [double(WALL_TIME, second), text(FILE_VERSION, 'brain.Event:2')]
  writeAtomically(named(), frameRecord(Buffer.concat(version)))
  return named()
}

/** Names scalars `train/loss` for a step, `validation/accuracy` for an evaluation. */
function scalarsEvent({ step, split = 'train', ...figures }: MetricsLine, wallTime: number): Buffer {
  const values = Object.entries(figures).map(([name, value]) =>
    bytes(VALUE, Buffer.concat([text(TAG, `${split}/${name}`), float(SIMPLE_VALUE, Number(value))])),
  )
  return Buffer.concat([double(WALL_TIME, wallTime), varint(STEP, step), bytes(SUMMARY, Buffer.concat(values))])
}

/** Returns the step of an event as written here: wall time in 9 bytes, then the step, which is left out if it is 0. */
function stepOf(event: Buffer): number {
  if (event[9] !== STEP << 3) return 0
  let step = 0
  for (let at = 10, unit = 1; at < event.length; at++, unit *= 128) {
    step += (event[at]! & 127) * unit
    if (event[at]! < 128) break
  }
  return step
}

function varint(field: number, value: number): Buffer {
  return Buffer.from([field << 3, ...varintBytes(value)])
}

function varintBytes(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varintBytes(Math.floor(value / 128))]
}

function double(field: number, value: number): Buffer {
  const written = Buffer.alloc(9, (field << 3) | 1)
  written.writeDoubleLE(value, 1)
  return written
}

function float(field: number, value: number): Buffer {
  const written = Buffer.alloc(5, (field << 3) | 5)
  written.writeFloatLE(value, 1)
  return written
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varintBytes(value.length)]), value])
}

const text = (field: number, value: string) => bytes(field, Buffer.from(value))
