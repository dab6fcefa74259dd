import type { Seq2SeqConfig } from '../../backbone/registry.js'
import { CANDIDATE_IDS, GAINS, HIDDEN, memoryOf, PLACES, POSITIONS } from '../decoding/ranking_graph.js'
import type { Pointer } from '../graph/library.js'
import type { Session } from '../graph/session.js'
import type { Values } from '../graph/tensor.js'
import type { Ranking } from '../model/rank.js'

type Feeds = Record<string, Values | Pointer>

/** What later runs are fed with, and the tensors among it that nobody else frees. */
interface Held {
  feeds: Feeds
  own: Pointer[]
}

/**
 * Ranks by the graph with that prefix in the session, in one run where the candidates are few: what several runs need
 * is fetched once and fed to them. `sources` are the graph's inputs that do not depend on candidates.
 */
export function sessionRanking(
  session: Session,
  prefix: string,
  config: Seq2SeqConfig,
  sources: Feeds,
): Ranking<Held, Held> {
  const own = (feeds: Feeds) =>
    Object.fromEntries(Object.entries(feeds).map(([name, values]) => [`${prefix}/${name}`, values]))
  const fetched = async (names: string[], feeds: Feeds): Promise<Held> => {
    const tensors = await session.run({ feeds: own(feeds), fetches: names.map((name) => `${prefix}/${name}`) })
    return { feeds: { ...feeds, ...Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) }, own: tensors }
  }
  return {
    config,
    remember: async (again) => (again ? fetched(memoryOf(config), sources) : { feeds: sources, own: [] }),
    async decode(memory, { ids, shape }, again) {
      const feeds = { ...memory.feeds, [CANDIDATE_IDS]: { shape, data: ids } }
      return again ? fetched([HIDDEN], feeds) : { feeds, own: [] }
    },
    async logProbabilities({ feeds }, tokens) {
      const positions = Int32Array.from(tokens, ({ position }) => position)
      const places = Int32Array.from(tokens.flatMap(({ id }, i) => [i, id]))
      const asked = {
        ...feeds,
        [POSITIONS]: { shape: [tokens.length], data: positions },
        [PLACES]: { shape: [tokens.length, 2], data: places },
      }
      const [gains] = await session.floats({ feeds: own(asked), fetches: [`${prefix}/${GAINS}`] })
      return gains!
    },
    free: (kept) => session.release(kept.own),
  }
}
