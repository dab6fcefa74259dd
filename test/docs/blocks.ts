/** A command that a Markdown text shows in a `console` block, after `$ `; lines after `> ` go on with it. */
export interface ShownCommand {
  command: string
  /** The lines below it, without the last line end. */
  output: string
  /** Line number of the command, from 1. */
  line: number
  /** Where its output stands in the text: from and up to these characters. */
  from: number
  to: number
}

/** All commands in the `console` blocks of a Markdown text, in its order. */
export function shownCommands(markdown: string): ShownCommand[] {
  const commands: ShownCommand[] = []
  let inBlock = false
  let at = 0
  for (const [i, text] of markdown.split('\n').entries()) {
    const next = at + text.length + 1
    const last = commands.at(-1)
    if (text.startsWith('```')) inBlock = text === '```console'
    else if (inBlock && text.startsWith('$ '))
      commands.push({ command: text.slice(2), output: '', line: i + 1, from: next, to: next })
    else if (inBlock && last && text.startsWith('> ') && last.from === at) {
      last.command += `\n${text.slice(2)}`
      last.from = last.to = next
    } else if (inBlock && last) {
      last.to = next
      last.output = markdown.slice(last.from, next - 1)
    } else if (inBlock) throw new Error(`line ${i + 1}: a console block begins with a command, after '$ '.`)
    at = next
  }
  return commands
}

/** The text with other outputs below its commands, given in their order. */
export function withOutputs(markdown: string, outputs: readonly string[]): string {
  const commands = shownCommands(markdown)
  return commands.reduceRight((text, { from, to }, i) => {
    const output = outputs[i]! === '' ? '' : `${outputs[i]}\n`
    return text.slice(0, from) + output + text.slice(to)
  }, markdown)
}

/** What differs from run to run, and what stands for it in the documentation. */
const MASKS: [varies: RegExp, mask: string][] = [
  [/\b(\d+ h \d+ min|\d+ min \d+ s|[\d.]+ (ms|s))\b/g, '<time>'],
  [/\b[\d.]+ GiB\b/g, '<memory>'],
  [/\b[0-9a-f]{64}\b/g, '<sha256>'],
]

/** An output as documentation shows it: what varies is masked, `folder`, in which it was made, is left out of paths. */
export function documented(output: string, folder: string): string {
  const relative = output.replaceAll(`${folder}/`, '').replaceAll(folder, '.')
  return MASKS.reduce((text, [varies, mask]) => text.replace(varies, mask), relative).trimEnd()
}

/** A number with decimals, or one of bytes: these depend on how a machine rounds while it trains. */
const ROUNDED = /-?\d+\.\d+(e-?\d+)?|\d[\d,]*(?= bytes)/g
const SHARE = 0.02

/**
 * Whether an output is the documented one. Everything must be the same but the last digits of trained numbers: they may
 * differ by 2 % of themselves, and those below 1 by 0.02. (One thread in place of two moved probabilities by 0.001 at
 * most.)
 */
export function near(output: string, expected: string): boolean {
  if (output.replace(ROUNDED, '#') !== expected.replace(ROUNDED, '#')) return false
  const [ours, theirs] = [output, expected].map((text) =>
    [...text.matchAll(ROUNDED)].map(([number]) => Number(number.replaceAll(',', ''))),
  )
  return theirs!.every((value, i) => Math.abs(ours![i]! - value) <= SHARE * Math.max(1, Math.abs(value)))
}

const TAB = 8

/** The text with the spaces that a terminal makes of its tabs. */
const tabsExpanded = (text: string) =>
  text
    .split('\n')
    .map((line) =>
      line.split('\t').reduce((before, after) => before.padEnd(before.length + TAB - (before.length % TAB)) + after),
    )
    .join('\n')

/**
 * Whether a terminal shows the documented output: as `near`, but for tabs, and for what progress draws where standard
 * error is shown too: phases with a tick, and marks before notes.
 */
export function nearOnTerminal(seen: string, expected: string): boolean {
  const lines = seen.split('\n').filter((line) => !line.startsWith('✔ '))
  return near(lines.map((line) => line.replace(/^[ℹ⚠] /, '')).join('\n'), tabsExpanded(expected))
}
