import { closeSync, fstatSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { openToRead, readFully } from '../../base/files/read.js'
import { checkFinite } from '../../base/numbers/finite.js'
import { bf16ToFloat32, f16ToFloat32 } from '../../base/numbers/half.js'
import { elements } from '../../base/safetensors/safetensors.js'
import type { ForeignFile, ForeignTensor } from '../foreign.js'
import { type StoredTensor, unpickledTensors } from './unpickle.js'
import { type ZipEntry, zipEntries } from './zip.js'

/** The most bytes of a pickle; names and shapes take some hundred bytes per tensor. */
const PICKLE_LIMIT = 4_000_000

const BYTES: Record<string, number> = { FloatStorage: 4, HalfStorage: 2, BFloat16Storage: 2 }

/**
 * Opens a state dict that `torch.save` wrote (PyTorch 1.6 or newer). The pickle is read as data: nothing in it is
 * executed.
 * @throws UserError naming the file: it is not such a zip file, contains anything but tensors, or a tensor does not fit
 *   its storage.
 */
export function openTorchFile(path: string): ForeignFile {
  const fd = openToRead(path)
  try {
    const { size } = fstatSync(fd)
    const fail = (problem: string) =>
      new UserError({ at: path, problem, remedy: 'Save it anew in Python: torch.save(state_dict, FILE).' })
    const read = (position: number, length: number) => {
      const bytes = new Uint8Array(length)
      if (!readFully(fd, position, bytes)) throw fail('is truncated.')
      return bytes
    }
    const entries = zipEntries(read, size, fail)
    const pickle = [...entries.values()].find(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
    if (!pickle) throw fail('is not a state dict of torch.save: it has no data.pkl.')
    if (pickle.size > PICKLE_LIMIT) {
      throw fail(`has a pickle of ${pickle.size} bytes; at most ${PICKLE_LIMIT} are read.`)
    }
    const root = pickle.name.slice(0, -'data.pkl'.length)
    const stored = unpickledTensors(read(pickle.begin, pickle.size), fail)
    const tensors = new Map(
      [...stored].map(([name, tensor]) => [name, placed(name, tensor, entries.get(`${root}data/${tensor.key}`))]),
    )
    return { path, tensors, close: () => closeSync(fd) }

    function placed(name: string, tensor: StoredTensor, entry: ZipEntry | undefined): ForeignTensor {
      const { shape, offset, storage } = tensor
      const bytes = BYTES[storage]
      if (bytes === undefined) return { shape, read: () => unread(name, storage) }
      const end = (offset + elements(shape)) * bytes
      if (!entry || !(end <= entry.size)) throw fail(`has no storage that holds its tensor ${name.slice(0, 120)}.`)
      const values = () => floats(read(entry.begin + offset * bytes, elements(shape) * bytes), storage)
      return { shape, read: () => checkFinite(values(), shape, { path, name }) }
    }

    function unread(name: string, storage: string): never {
      throw fail(`stores tensor ${name} as ${storage}; float32, float16 and bfloat16 are read.`)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function floats(bytes: Uint8Array, storage: string): Float32Array {
  if (storage === 'FloatStorage') return new Float32Array(bytes.buffer)
  const halves = new Uint16Array(bytes.buffer)
  const values = new Float32Array(halves.length)
  if (storage === 'HalfStorage') f16ToFloat32(halves, values)
  else bf16ToFloat32(halves, values)
  return values
}
