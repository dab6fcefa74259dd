/** A growing list of 32-bit integers: 4 bytes per number, where an array of numbers may take 8 or more. */
export class Int32List {
  /** The list, and room for more numbers after it; another array after the list has grown. */
  items = new Int32Array(1024)
  length = 0

  push(item: number): void {
    if (this.length === this.items.length) this.#grow(1)
    this.items[this.length++] = item
  }

  /** Appends others[start, end). */
  append(others: ArrayLike<number>, start = 0, end = others.length): void {
    if (this.length + end - start > this.items.length) this.#grow(end - start)
    for (let i = start; i < end; i++) this.items[this.length++] = others[i]!
  }

  /** Returns a copy of the list, without the room after it. */
  values(): Int32Array {
    return this.items.slice(0, this.length)
  }

  #grow(more: number): void {
    const larger = new Int32Array(2 * (this.length + more))
    larger.set(this.items)
    this.items = larger
  }
}
