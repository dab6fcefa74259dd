import tf from '../../tensor/tf.cjs'

type Product = { a: tf.TensorInfo; b: tf.TensorInfo }
type Sides = { transposeA: boolean; transposeB: boolean }

const MATRICES = 2

/**
 * Makes products with a transposed side fast and correct on wasm. Fast: its kernel hands only plain products of two
 * matrices to XNNPACK and computes all others in naive loops (a t5-nano step took 7 s of them), so the side is
 * transposed first. Correct: XNNPACK packs the right side once for all products with the same data, whatever its shape,
 * so that a product with reshaped data gave wrong numbers and wrote outside its memory. The right side is therefore
 * copied.
 */
export function transposeBeforeProducts(): void {
  const product = tf.getKernel('BatchMatMul', 'wasm')
  const transpose = tf.getKernel('Transpose', 'wasm')
  const copy = tf.getKernel('Identity', 'wasm')
  const rowsPacked = new WeakMap<object, number>()
  tf.unregisterKernel('BatchMatMul', 'wasm')
  tf.registerKernel({
    ...product,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { a, b } = inputs as unknown as Product
      const { transposeA, transposeB } = attrs as unknown as Sides
      const turned: tf.TensorInfo[] = []
      const plain = (x: tf.TensorInfo, transposed: boolean): tf.TensorInfo => {
        if (!transposed) return x
        const perm = x.shape.map((_, axis) => axis)
        perm.push(...perm.splice(-MATRICES).reverse())
        const result = transpose.kernelFunc({ inputs: { x }, attrs: { perm }, backend }) as tf.TensorInfo
        turned.push(result)
        return result
      }
      const seenOneWay = (x: tf.TensorInfo): tf.TensorInfo => {
        const [rows] = x.shape.slice(-MATRICES)
        if ((rowsPacked.get(x.dataId) ?? rows) === rows) {
          rowsPacked.set(x.dataId, rows!)
          return x
        }
        const copied = copy.kernelFunc({ inputs: { x }, backend, attrs: {} }) as tf.TensorInfo
        turned.push(copied)
        return copied
      }
      const sides = { a: plain(a, transposeA), b: seenOneWay(plain(b, transposeB)) }
      const result = product.kernelFunc({ inputs: sides, attrs: { transposeA: false, transposeB: false }, backend })
      for (const { dataId } of turned) (backend as tf.KernelBackend).disposeData(dataId)
      return result
    },
  })
}
