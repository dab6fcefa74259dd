import { type Document, isAlias, isCollection, isNode, isPair, type Node, YAMLParseError } from 'yaml'

/** The most values that all aliases of a file may expand to: a few nested lines could expand to billions. */
const LARGEST = 10_000

/**
 * Returns the faults of a document's aliases: names without an anchor, values that contain themselves, and far too many
 * values.
 */
export function aliasErrors({ contents }: Document): YAMLParseError[] {
  const errors: YAMLParseError[] = []
  const anchored = new Map<string, Node>()
  const sizes = new Map<Node, number>()
  let aliased = 0

  const complain = ({ range }: Node, message: string) => {
    errors.push(new YAMLParseError([range?.[0] ?? 0, range?.[1] ?? 0], 'BAD_ALIAS', message))
    return 0
  }

  /**
   * Counts the values of a node, aliases expanded. Nodes are visited in the order of the text, since an anchor comes
   * before its aliases.
   */
  const sizeOf = (node: unknown): number => {
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value)
    if (!isNode(node)) return 0
    if (isAlias(node)) {
      const target = anchored.get(node.source)
      if (!target) return complain(node, `the alias *${node.source} has no anchor &${node.source} before it`)
      const size = sizes.get(target)
      if (size === undefined) return complain(node, `the alias *${node.source} is inside &${node.source} itself`)
      const before = aliased
      aliased += size
      if (before <= LARGEST && aliased > LARGEST)
        complain(
          node,
          `with the alias *${node.source} aliases expand to ${aliased} values; at most ${LARGEST} are read`,
        )
      return size
    }
    if (node.anchor !== undefined) anchored.set(node.anchor, node)
    const size = isCollection(node) ? node.items.reduce((sum: number, item) => sum + sizeOf(item), 1) : 1
    sizes.set(node, size)
    return size
  }

  sizeOf(contents)
  return errors
}
