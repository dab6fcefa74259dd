import { existsSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, expect, test } from 'vitest'
import { probeAdapter } from '../../../src/engine/device/webgpu.js'
import { counterAtLeast, keptMask } from '../../../src/tensor/mask.js'
import { expectEncoderLikePyTorch } from '../../support/encoder_like_pytorch.js'
import { useEngine } from '../../support/engines.js'
import { expectLikePyTorch } from '../../support/like_pytorch.js'

// Debian's chromium brings SwiftShader, a Vulkan driver on the CPU; a driver that the user names comes first.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (!process.env.VK_ICD_FILENAMES && existsSync(SWIFTSHADER)) process.env.VK_ICD_FILENAMES = SWIFTSHADER

const missing = await probeAdapter().then(
  () => undefined,
  (error: Error) => error.message,
)

beforeEach(({ skip }) => {
  if (missing) skip(`${missing}; \`apt install chromium libvulkan1\` brings one`)
})

test('webgpu computes a matrix product and its gradient', async () => {
  const device = await useEngine('webgpu')
  expect(device.engine).toBe('webgpu')
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3])
  const w = tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2])
  expect([...(await tf.matMul(x, w).data())]).toEqual([58, 64, 139, 154])
  const gradient = tf.grad((w: tf.Tensor) => tf.sum(tf.square(tf.matMul(x, w as tf.Tensor2D))))(w)
  // 2 xᵀ(xw)
  expect([...(await gradient.data())]).toEqual([1228, 1360, 1622, 1796, 2016, 2232])
  expect(await keptMask([5], [42, 3], 0.25).data()).toEqual(counterAtLeast(5, [42, 3], 2 ** 14))
})

test.each(['t5-tiny', 't5-tiny-v1_1'])('webgpu computes Compacter on %s as PyTorch does', async (backbone) => {
  await useEngine('webgpu')
  await expectLikePyTorch(backbone, 'compacter-n3-rank2')
})

const ENCODERS = ['bert', 'roberta', 'distilbert', 'electra', 'deberta-v2', 'modernbert'].flatMap((model) =>
  ['compacter', 'lora', 'full'].map((name) => [model, name] as const),
)

test.each(ENCODERS)('webgpu computes %s with %s as PyTorch does', async (model, name) => {
  await useEngine('webgpu')
  await expectEncoderLikePyTorch(model, name)
})
