import crc32 from 'crc-32'
import { writeAtomically, writeFully } from '../../base/files/atomic.js'
import { elements, type WritableTensor } from '../../base/safetensors/safetensors.js'

/** Tensors begin at multiples of this, as in PyTorch. */
const ALIGNMENT = 64
/** A zip file in the old format is smaller than this. */
const ZIP_LIMIT = 0xffffffff

interface Entry {
  name: string
  data: Uint8Array
}

/**
 * Writes float32 tensors as `torch.save` writes a state dict: a zip file, not compressed, of one pickle and a file for
 * each tensor. `torch.load` reads it, also with `weights_only=True`. At most 4 GiB.
 */
export function writeTorchFile(path: string, tensors: readonly (readonly [string, WritableTensor])[]): void {
  const entries: Entry[] = [
    { name: 'archive/data.pkl', data: pickled(tensors) },
    { name: 'archive/byteorder', data: Buffer.from('little') },
    ...tensors.map(([, { data }], i) => ({
      name: `archive/data/${i}`,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })),
    { name: 'archive/version', data: Buffer.from('3\n') },
  ]
  writeAtomically(path, (fd) => {
    let offset = 0
    const write = (bytes: Uint8Array) => {
      writeFully(fd, bytes)
      offset += bytes.length
    }
    const directory = entries.map((entry) => {
      const begin = offset
      const common = zipFields(entry)
      const padding = (ALIGNMENT - ((offset + 30 + entry.name.length + 4) % ALIGNMENT)) % ALIGNMENT
      write(localHeader(entry, common, padding))
      write(entry.data)
      return centralHeader(entry, common, begin)
    })
    const begin = offset
    for (const header of directory) write(header)
    if (offset > ZIP_LIMIT) throw new Error(`${path} would have ${offset} bytes; a zip file has at most 4 GiB`)
    write(endRecord(entries.length, offset - begin, begin))
  })
}

/** Returns flags (names are UTF-8), no compression, no date, checksum, both sizes, length of the name. */
function zipFields({ name, data }: Entry): Buffer {
  const fields = Buffer.alloc(22)
  fields.writeUInt16LE(0x0800, 0)
  fields.writeUInt16LE(0x0021, 6) // 1 January 1980, so that the same tensors give the same bytes
  fields.writeInt32LE(crc32.buf(data), 8)
  fields.writeUInt32LE(data.length, 12)
  fields.writeUInt32LE(data.length, 16)
  fields.writeUInt16LE(name.length, 20)
  return fields
}

/** The padding that aligns the data is an extra field, `FB`, as in PyTorch. */
function localHeader({ name }: Entry, common: Buffer, padding: number): Buffer {
  const start = Buffer.from([0x50, 0x4b, 3, 4, 10, 0])
  const extra = Buffer.alloc(6 + padding)
  extra.writeUInt16LE(4 + padding, 0)
  extra.write('FB', 2)
  extra.writeUInt16LE(padding, 4)
  return Buffer.concat([start, common, extra.subarray(0, 2), Buffer.from(name), extra.subarray(2)])
}

function centralHeader({ name }: Entry, common: Buffer, begin: number): Buffer {
  const rest = Buffer.alloc(16)
  rest.writeUInt32LE(begin, 12)
  return Buffer.concat([Buffer.from([0x50, 0x4b, 1, 2, 10, 0, 10, 0]), common, rest, Buffer.from(name)])
}

function endRecord(count: number, size: number, begin: number): Buffer {
  const record = Buffer.alloc(22)
  record.write('PK\u0005\u0006', 'latin1')
  record.writeUInt16LE(count, 8)
  record.writeUInt16LE(count, 10)
  record.writeUInt32LE(size, 12)
  record.writeUInt32LE(begin, 16)
  return record
}

/**
 * Returns a dict from names to `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`, in pickle's
 * protocol 2.
 */
function pickled(tensors: readonly (readonly [string, WritableTensor])[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x80, 2]), Buffer.from('}('), ...tensors.flatMap(pickledTensor)]
  return Buffer.concat([...parts, Buffer.from('u.')])
}

function pickledTensor([name, { shape, data }]: readonly [string, WritableTensor], index: number): Buffer[] {
  const storage = [text('storage'), global('torch', 'FloatStorage'), text(String(index)), text('cpu'), int(data.length)]
  const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)))
  return [
    text(name),
    global('torch._utils', '_rebuild_tensor_v2'),
    Buffer.from('(('),
    ...storage,
    Buffer.from('tQ'), // the persistent id is a tuple
    int(0),
    ...tuple(shape),
    ...tuple(strides),
    Buffer.from([0x89]), // False
    global('collections', 'OrderedDict'),
    Buffer.from(')RtR'),
  ]
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const head = Buffer.alloc(5)
  head.write('X')
  head.writeUInt32LE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.write('J')
  bytes.writeInt32LE(value, 1)
  return bytes
}

const tuple = (values: readonly number[]): Buffer[] => [Buffer.from('('), ...values.map(int), Buffer.from('t')]

const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`)
