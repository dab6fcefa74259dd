import * as tf from '@tensorflow/tfjs-core'

type Product = { a: tf.TensorInfo; b: tf.TensorInfo }
type Sides = { transposeA: boolean; transposeB: boolean }

const MATRICES = 2

/**
 * Makes products with a transposed side fast on wasm: its kernel hands only plain products of two matrices to XNNPACK
 * and computes all others in naive loops (a t5-nano step took 7 s of them). The side is transposed first.
 */
export function transposeBeforeProducts(): void {
  const product = tf.getKernel('BatchMatMul', 'wasm')
  const transpose = tf.getKernel('Transpose', 'wasm')
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
      const sides = { a: plain(a, transposeA), b: plain(b, transposeB) }
      const result = product.kernelFunc({ inputs: sides, attrs: { transposeA: false, transposeB: false }, backend })
      for (const { dataId } of turned) (backend as tf.KernelBackend).disposeData(dataId)
      return result
    },
  })
}
