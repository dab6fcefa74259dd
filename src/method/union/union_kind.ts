import type { MethodKind, MethodProblem } from '../options/kind.js'
import type { MethodOptions, UnionOptions } from '../options.js'

/** Several methods: what is known of each. */
export function unionKindOf(kindOf: (options: MethodOptions) => MethodKind<MethodOptions>): MethodKind<UnionOptions> {
  const each = <T>(
    { methods }: UnionOptions,
    of: (kind: MethodKind<MethodOptions>, options: MethodOptions) => T,
  ): T[] => methods.map((options) => of(kindOf(options), options))

  return {
    parts: ({ methods }) => methods,
    problems: (options, config) =>
      each(options, (kind, own) => kind.problems(own, config)).flatMap((found, i) =>
        found.map((one) => ofPart(one, i)),
      ),
    complexity: (options) => [...new Set(each(options, (kind, own) => kind.complexity(own)))].join(' + '),
    inPyTorch(options) {
      const parts = each(options, (kind, own) => kind.inPyTorch(own))
      return parts.includes(undefined) ? undefined : parts.includes('peft') ? 'peft' : 'hooks'
    },
  }
}

/** A problem of one method of a union, with the keys that lead to it there. */
const ofPart = ({ path, involved = [], problem, remedy }: MethodProblem, part: number): MethodProblem => {
  const moved = (text: string) => text.replaceAll('method.', `method.methods.${part}.`)
  const inPart = (keys: string[]) => ['methods', String(part), ...keys]
  return { path: inPart(path), involved: involved.map(inPart), problem: moved(problem), remedy: moved(remedy) }
}
