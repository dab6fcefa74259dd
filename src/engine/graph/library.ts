import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { KoffiFunc } from 'koffi'
import { native } from '../../base/native.js'
import type { InstalledEngine } from '../device/provision/cache.js'

/** A native object, opaque to koffi. */
export type Pointer = { readonly native: unique symbol }

/** An output of an operation: TF_Output. */
export interface Output {
  oper: Pointer
  index: number
}

// biome-ignore lint/suspicious/noExplicitAny: as koffi types a function of a prototype
type KoffiFunction = KoffiFunc<(...args: any[]) => any>

/** The functions of TensorFlow's C API (tensorflow/c/c_api.h) and of libc that we call. */
const PROTOTYPES = [
  'void* TF_NewStatus()',
  'void TF_DeleteStatus(void*)',
  'int TF_GetCode(void*)',
  'const char* TF_Message(void*)',
  'void* TF_NewBufferFromString(const void*, size_t)',
  'void* TF_NewBuffer()',
  'void TF_DeleteBuffer(void*)',
  'TF_Buffer TF_GetBuffer(void*)',
  'void* TF_NewGraph()',
  'void TF_DeleteGraph(void*)',
  'void TF_GraphToGraphDef(void*, void*, void*)',
  'void* TF_NewImportGraphDefOptions()',
  'void TF_DeleteImportGraphDefOptions(void*)',
  'void TF_ImportGraphDefOptionsSetPrefix(void*, const char*)',
  'void TF_GraphImportGraphDef(void*, void*, void*, void*)',
  'void* TF_GraphOperationByName(void*, const char*)',
  'int TF_GraphGetTensorNumDims(void*, TF_Output, void*)',
  'void TF_GraphGetTensorShape(void*, TF_Output, _Out_ int64_t*, int, void*)',
  'int TF_OperationOutputType(TF_Output)',
  'int TF_OperationNumOutputs(void*)',
  'int TF_OperationOutputNumConsumers(TF_Output)',
  'const char* TF_OperationOpType(void*)',
  'void* TF_NewOperation(void*, const char*, const char*)',
  'void TF_AddInput(void*, TF_Output)',
  'void TF_AddInputList(void*, TF_Output*, int)',
  'void TF_AddControlInput(void*, void*)',
  'void TF_SetAttrType(void*, const char*, int)',
  'void TF_SetAttrInt(void*, const char*, int64_t)',
  'void TF_SetAttrIntList(void*, const char*, int64_t*, int)',
  'void TF_SetAttrFloat(void*, const char*, float)',
  'void TF_SetAttrFloatList(void*, const char*, float*, int)',
  'void TF_SetAttrBool(void*, const char*, uint8_t)',
  'void TF_SetAttrBoolList(void*, const char*, uint8_t*, int)',
  'void TF_SetAttrString(void*, const char*, const char*, size_t)',
  'void TF_SetAttrShape(void*, const char*, int64_t*, int)',
  'void TF_SetAttrTensor(void*, const char*, void*, void*)',
  'void* TF_FinishOperation(void*, void*)',
  'void* TF_NewSessionOptions()',
  'void TF_DeleteSessionOptions(void*)',
  'void TF_SetConfig(void*, const void*, size_t, void*)',
  'void* TF_NewSession(void*, void*, void*)',
  'void TF_CloseSession(void*, void*)',
  'void TF_DeleteSession(void*, void*)',
  'void TF_SessionRun(void*, void*, TF_Output*, void**, int, TF_Output*, _Out_ void**, int, void**, int, void*, void*)',
  'void* TF_AllocateTensor(int, int64_t*, int, size_t)',
  'void* TF_TensorData(void*)',
  'size_t TF_TensorByteSize(void*)',
  'void TF_DeleteTensor(void*)',
]

const COPIES = {
  /** memcpy into native memory. */
  write: 'void* memcpy(void*, const void*, size_t)',
  /** memcpy out of native memory. */
  read: 'void* memcpy(_Out_ void*, const void*, size_t)',
}

/** The C API by its names without `TF_`; TF_SessionRun can also run off the main thread, as `SessionRun.async`. */
export type Library = Record<string, KoffiFunction> & { copies: { write: KoffiFunction; read: KoffiFunction } }

/** Names of the library, in the folders where an engine's origin puts it. */
const LIBRARIES = ['tensorflow', join('deps', 'lib')].flatMap((folder) =>
  ['libtensorflow_cc.so.2', 'libtensorflow.so.2', 'libtensorflow_cc.2.dylib', 'libtensorflow.2.dylib'].map((name) =>
    join(folder, name),
  ),
)

let loaded: Library | undefined

/**
 * Returns TensorFlow's C API in the same library that tfjs-node has loaded.
 * @throws Error where koffi has no binary for this platform, or the engine's library is missing.
 */
export function loadLibrary({ folder }: InstalledEngine): Library {
  if (loaded) return loaded
  const path = LIBRARIES.map((name) => join(folder, name)).find((path) => existsSync(path))
  if (!path) throw new Error(`no libtensorflow in ${folder}`)
  const koffi = native()
  koffi.struct('TF_Output', { oper: 'void*', index: 'int' })
  koffi.struct('TF_Buffer', { data: 'const void*', length: 'size_t', deallocator: 'void*' })
  const library = koffi.load(path)
  const system = koffi.load(null)
  const functions = Object.fromEntries(
    PROTOTYPES.map((prototype) => [prototype.match(/TF_(\w+)\(/)![1]!, library.func(prototype)]),
  )
  loaded = {
    ...functions,
    copies: { write: system.func(COPIES.write), read: system.func(COPIES.read) },
  } as unknown as Library
  return loaded
}
