/** How much is predicted at once. */
export interface WindowLimits {
  /** Items of the first window; each later one is twice as large, up to `mostItems`. */
  items: number
  mostItems: number
  /** The sum of the items' sizes at which a window is full. */
  size: number
  /** Milliseconds that the first item of a window waits for others. */
  wait: number
}

/**
 * Cuts a stream into windows, in its order. The first is small, so that a result comes soon; a slow producer's items
 * are passed on after a short wait. At most one item is read ahead.
 */
export async function* windows<T>(
  items: AsyncIterable<T>,
  sizeOf: (item: T) => number,
  limits: WindowLimits,
): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]()
  const ask = () => {
    const asked = iterator.next()
    asked.catch(() => {}) // reported where it is awaited
    return asked
  }
  let next = ask()
  for (let most = limits.items; ; most = Math.min(2 * most, limits.mostItems)) {
    const first = await next
    if (first.done) return
    const window = [first.value]
    let size = sizeOf(first.value)
    next = ask()
    const late = timeout(limits.wait)
    while (window.length < most && size < limits.size) {
      const came = await Promise.race([next, late.over])
      if (!came || came.done) break
      window.push(came.value)
      size += sizeOf(came.value)
      next = ask()
    }
    late.stop()
    yield window
  }
}

function timeout(milliseconds: number): { over: Promise<undefined>; stop(): void } {
  let timer: NodeJS.Timeout
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined)
  })
  return { over, stop: () => clearTimeout(timer) }
}
