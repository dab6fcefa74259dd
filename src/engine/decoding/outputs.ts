/** Returns the ids of each row up to </s>, from ids [size, steps]. */
export function outputsOf(ids: Int32Array, size: number, eosId: number): number[][] {
  const steps = ids.length / size
  return Array.from({ length: size }, (_, row) => {
    const own = [...ids.subarray(row * steps, (row + 1) * steps)]
    const end = own.indexOf(eosId)
    return end < 0 ? own : own.slice(0, end)
  })
}
