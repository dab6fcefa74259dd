import type { Split } from '../../base/choices.js'
import { hashFiles, hashFilesInPieces } from '../../base/files/hash.js'
import { type Progress, showDownload } from '../../base/progress.js'
import type { Experiment } from '../../experiment/schema.js'
import type { Objective } from '../../objective/objective.js'
import type { RowsHere } from '../../run/made_with.js'
import type { Example } from '../../task/example.js'
import { withoutNames } from '../../task/labels/label_names.js'
import { inWrittenForm } from '../../task/labels/written_form.js'
import type { TaskOptions } from '../../task/options.js'
import { changed } from '../../task/rows/lines.js'
import { chosenRows, examplesAt, examplesOf, type Source, sourceOf } from '../../task/rows/source.js'
import type { Tokenised } from '../../task/tokens/batches.js'
import { cutTally, wordsLeftOut } from '../../task/tokens/cut.js'
import type { RowReader } from '../../task/tokens/reader.js'
import { openTokenStore, type TokenStore } from '../../task/tokens/token_store.js'
import type { TokenLimits } from '../../task/tokens/tokenise.js'
import { classesOf } from './head.js'
import type { OpenedBackbone } from './prepare.js'
import { readingOf } from './reading.js'

/** One split as token ids; its text is read again when it is asked for. */
export interface PreparedSplit {
  name: Split
  /** The name for errors. */
  file: string
  rows: number
  /** The number of rows of the split, if these are only some of them. */
  drawnFrom?: number
  /** SHA-256 of the files that its rows were read from, one after the other, in hexadecimal. */
  sha256: string
  tokens: Tokenised
  /** The number of tokens of every source. */
  lengths: Int32Array
  /** The number of tokens of every target; 1 where a head answers, which has no text to write. */
  targetLengths: Int32Array
  /** Returns the text of a target, from its ids. */
  targetText(ids: Int32Array): string
  /** Tokens of the longest target of the whole source, including </s>: the default limit for an output. */
  longestTarget: number
  /**
   * Returns the rows as text, with targets in the form in which outputs are compared with them; read once, then kept.
   */
  examples(): Promise<Example[]>
  /** Returns the rows at these indices as text; reads them anew. */
  examplesAt(places: number[]): Promise<Example[]>
}

/** The splits of one experiment, each prepared when it is asked for. */
export interface PreparedData {
  split(name: Split): Promise<PreparedSplit>
  close(): void
}

/**
 * Reads, tokenises and splits an experiment's rows; a source that two splits share is read once. Targets are cut only
 * where the experiment sets their length. `onRows` is called for each split before it is read, and may throw.
 * `classes` are the labels of an encoder's head.
 */
export function prepareData(
  experiment: Experiment,
  backbone: OpenedBackbone,
  progress: Progress,
  onRows: (here: RowsHere) => void = () => {},
  classes = classesOf(experiment.task),
): PreparedData {
  const { task, reader } = readingOf(experiment, backbone, classes)
  const { source_length: source, target_length: target = Number.MAX_SAFE_INTEGER } = experiment.training
  const limits = { source, target }
  const stores = new Map<string, Promise<TokenStore>>()
  const tokensOf = (source: Source): Promise<TokenStore> => {
    const name = [...source.files, source.eachAnswer].join('\n')
    const store = stores.get(name) ?? openStore(task, source, backbone, reader, progress)
    stores.set(name, store)
    return store
  }
  return {
    async split(name) {
      progress.phase(`Reading and tokenising ${task.name}, ${name}`)
      const source = await sourceOf(task, name, showDownload(progress))
      const sha256 = await hashFilesInPieces(source.files, (bytes, total) =>
        progress.update(`${percent(bytes, total)} read`),
      )
      onRows({ split: name, file: source.file, sha256 })
      const unchanged = () => {
        if (hashFiles(source.files) !== sha256) throw changed(source.file)
      }
      const store = await tokensOf(source)
      const rows = await chosenRows(task, source, name, store.rows)
      unchanged()
      for (const line of cutLines(name, store, rows, { limits, objective: reader.objective })) progress.warn(line)
      return splitOf({ name, file: source.file, sha256, reader }, store, rows, async (rows) => {
        const examples = await examplesAt(task, source, rows)
        unchanged() // the tokens are of the rows before any change
        return inWrittenForm(examples, backbone.tokenizer)
      })
    },
    close() {
      const failed = () => {} // reported where it was awaited
      for (const store of stores.values()) void store.then((opened) => opened.close(), failed)
    },
  }
}

/** Returns the tokens of a source, from the cache or made from its rows. */
async function openStore(
  task: TaskOptions,
  source: Source,
  { files: { tokenizerFile } }: OpenedBackbone,
  reader: RowReader,
  progress: Progress,
): Promise<TokenStore> {
  const { name, train, validation, test, benchmark, path, split, split_seed, subset, metrics, ...text } =
    withoutNames(task)
  const key = {
    files: source.files,
    text: {
      ...text,
      benchmark,
      ...('name_first' in task && task.name_first && { name }),
      eachAnswer: source.eachAnswer,
    },
    tokenizerFile,
  }
  let read = false
  const examples = () => {
    read = true
    return examplesOf(task, source, (report) => progress.warn(report))
  }
  const store = await openTokenStore(key, examples, reader, {
    onProgress: (rows) => progress.update(`${count(rows)} rows tokenised`),
    onHash: (bytes, total) => progress.update(`${percent(bytes, total)} read`),
    onWait: progress.note,
    warn: (text) => progress.warn(text),
  })
  if (!read && task.on_bad_row === 'skip') for await (const _ of examples()); // tells again what is skipped
  return store
}

/** Returns lines about texts of a split that are cut. */
function cutLines(
  name: Split,
  store: TokenStore,
  rows: ArrayLike<number>,
  { limits, objective }: { limits: TokenLimits; objective: Objective },
): string[] {
  const tally = (
    whole: Int32Array,
    limit: number,
    what: string,
    key: string,
    words?: (target: Int32Array) => number,
  ): string[] => {
    const cut = cutTally(limit)
    for (const row of Array.from(rows))
      cut.add([whole[row]!], Math.abs(whole[row]!) > limit ? words?.(store.target(row)) : 0)
    const line = cut.line(`${what} of ${name}`, key)
    return line === undefined ? [] : [line]
  }
  return [
    ...tally(store.wholeSourceLengths, limits.source, 'sources', 'training.source_length', wordsLeftOut(objective)),
    ...tally(store.wholeTargetLengths, limits.target, 'targets', 'training.target_length'),
  ]
}

function splitOf(
  { reader, ...named }: Pick<PreparedSplit, 'name' | 'file' | 'sha256'> & { reader: RowReader },
  store: TokenStore,
  rows: ArrayLike<number>,
  read: (rows: ArrayLike<number>) => Promise<Example[]>,
): PreparedSplit {
  let examples: Promise<Example[]> | undefined
  return {
    ...named,
    rows: rows.length,
    targetText: reader.text,
    tokens: {
      objective: reader.objective,
      source: (i) => store.source(rows[i]!),
      target: (i) => store.target(rows[i]!),
    },
    lengths: Int32Array.from(rows, (row) => store.sourceLengths[row]!),
    targetLengths: Int32Array.from(rows, (row) => (reader.objective.answers ? 1 : store.targetLengths[row]!)),
    longestTarget: store.targetLengths.reduce((longest, length) => Math.max(longest, length), 1),
    examples: () => {
      examples ??= read(rows)
      return examples
    },
    examplesAt: (places) => read(places.map((place) => rows[place]!)),
  }
}

const count = (rows: number) => rows.toLocaleString('en')
const percent = (part: number, whole: number) => `${whole === 0 ? 100 : Math.round((100 * part) / whole)} %`
