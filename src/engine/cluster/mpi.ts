import type { KoffiFunc } from 'koffi'
import { UserError } from '../../base/error.js'
import { native } from '../../base/native.js'
import { launchedRank } from './launcher.js'

// biome-ignore lint/suspicious/noExplicitAny: as koffi types a function of a prototype
type MpiFunction = KoffiFunc<(...args: any[]) => any>
type Library = ReturnType<typeof import('koffi').load>

/** A loaded MPI library, and its values for the names of the MPI standard. */
export interface Mpi {
  /** In words: 'Open MPI 4.1.4'. */
  version: string
  /** The file that was loaded. */
  path: string
  functions: Record<FunctionName, MpiFunction>
  handles: Record<HandleName, unknown>
}

const HANDLES = ['world', 'float', 'int32', 'byte', 'sum'] as const
type HandleName = (typeof HANDLES)[number]

/** H is a handle: an address in Open MPI, an integer in MPICH, an integer as wide as an address in the MPI 5 ABI. */
const PROTOTYPES = {
  init: 'int MPI_Init_thread(void *, void *, int, _Out_ int *)',
  rank: 'int MPI_Comm_rank(H, _Out_ int *)',
  size: 'int MPI_Comm_size(H, _Out_ int *)',
  allreduce: 'int MPI_Allreduce(void *, void *, int, H, H, H)',
  broadcast: 'int MPI_Bcast(void *, int, H, int, H)',
  allgather: 'int MPI_Allgatherv(void *, int, H, void *, int *, int *, H, H)',
  barrier: 'int MPI_Barrier(H)',
  abort: 'int MPI_Abort(H, int)',
  finalize: 'int MPI_Finalize()',
} as const
type FunctionName = keyof typeof PROTOTYPES

/**
 * Handles of MPICH and libraries derived from it: fixed integers of its mpi.h since MPICH 1.1, kept by the MPICH ABI
 * initiative.
 */
const MPICH_HANDLES: Record<HandleName, number> = {
  world: 0x44000000,
  float: 0x4c00040a,
  int32: 0x4c000405,
  byte: 0x4c00010d,
  sum: 0x58000003,
}

/** Handles that the MPI 5.0 standard fixes, appendix A.1. */
const ABI_HANDLES: Record<HandleName, number> = { world: 0x101, float: 0x210, int32: 0x209, byte: 0x247, sum: 0x21 }

const OPEN_MPI_SYMBOLS: Record<HandleName, string> = {
  world: 'ompi_mpi_comm_world',
  float: 'ompi_mpi_float',
  int32: 'ompi_mpi_int',
  byte: 'ompi_mpi_byte',
  sum: 'ompi_mpi_op_sum',
}

const OPEN_MPI = ['libmpi.so.40', 'libmpi.40.dylib']
const MPICH = ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib', 'libmpi_cray.so.12', 'libmpi_cray.so']
const ANY = ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.so', 'libmpi.so', 'libmpi.dylib']

/**
 * Opens the MPI library: the file that COMPACTER_MPI names, otherwise that of the launcher, otherwise the first that is
 * found.
 * @throws UserError where none is found, or it is not a known one.
 */
export function openMpi(env: NodeJS.ProcessEnv = process.env): Mpi {
  for (const [name, value] of Object.entries(UCX_SETTINGS)) process.env[name] ??= value
  const { library, path } = load(env)
  const version = libraryVersion(library, path)
  const { type, handles } = handlesOf(library, path, version)
  const functions = Object.entries(PROTOTYPES).map(([name, prototype]) => [
    name,
    library.func(prototype.replaceAll(/\bH\b/g, type)),
  ])
  return { version, path, functions: Object.fromEntries(functions), handles }
}

/**
 * UCX, which some MPIs send with, hooks itself into the process's memory allocation and replaces V8's handlers for
 * crashes. With both, a rank sometimes crashed in malloc, since Node's threads allocate meanwhile, and then hung in the
 * handler (UCX 1.13 under MPICH 4.0.2). Without the hooks UCX only lacks a cache of registered memory.
 */
const UCX_SETTINGS = { UCX_MEM_EVENTS: 'n', UCX_ERROR_SIGNALS: '' }

function load(env: NodeJS.ProcessEnv): { library: Library; path: string } {
  const named = env.COMPACTER_MPI
  if (named) {
    try {
      return { library: loadForGood(named), path: named }
    } catch (error) {
      throw new UserError({
        at: `COMPACTER_MPI=${named}`,
        problem: `can't be loaded: ${(error as Error).message}.`,
        remedy: 'Name the shared library of an MPI, such as /usr/lib/x86_64-linux-gnu/libmpi.so.40.',
      })
    }
  }
  const launcher = launchedRank(env)?.launcher
  const names = launcher === 'Hydra' ? [...MPICH, ...ANY, ...OPEN_MPI] : [...OPEN_MPI, ...ANY, ...MPICH]
  for (const path of names) {
    try {
      return { library: loadForGood(path), path }
    } catch {
      // try the next one
    }
  }
  throw new UserError({
    at: '--mpi',
    problem: 'no MPI library was found here.',
    remedy:
      'Install one (Debian: apt install openmpi-bin, or mpich) or load its module, or name its library in ' +
      'COMPACTER_MPI.',
  })
}

/** Flags of dlopen by platform: RTLD_NOW and RTLD_NODELETE. */
const FOR_GOOD: Partial<Record<NodeJS.Platform, number>> = { linux: 0x1002, darwin: 0x82 }

/**
 * Loads a library until the process ends: a thread that has made a call runs the library's own clean-up when it ends,
 * which is after Node has closed what koffi opened. Its symbols are global, since Open MPI's plug-ins look them up.
 */
function loadForGood(path: string): Library {
  const koffi = native()
  const library = koffi.load(path, { global: true })
  const flags = FOR_GOOD[process.platform]
  if (flags !== undefined) koffi.load(null).func('void *dlopen(const char *, int)')(path, flags)
  return library
}

function libraryVersion(library: Library, path: string): string {
  const text = Buffer.alloc(8192) // MPI_MAX_LIBRARY_VERSION_STRING is at most this
  try {
    library.func('int MPI_Get_library_version(void *, _Out_ int *)')(text, [0])
  } catch {
    throw notKnown(path, 'it has no MPI_Get_library_version')
  }
  const said = text.toString('utf8', 0, text.indexOf(0))
  const open = /^Open MPI v(\S+?),/.exec(said)
  if (open) return `Open MPI ${open[1]}`
  const mpich = /^MPICH Version:\s*(\S+)/.exec(said)
  return mpich ? `MPICH ${mpich[1]}` : said.split('\n')[0]!.trim()
}

/** Recognises the kind of library by its symbols, since several kinds share file names. */
function handlesOf(library: Library, path: string, version: string): Pick<Mpi, 'handles'> & { type: string } {
  const symbols = HANDLES.map((name) => [name, symbolOf(library, OPEN_MPI_SYMBOLS[name])] as const)
  if (symbols.every(([, address]) => address))
    return { type: 'void *', handles: Object.fromEntries(symbols) as Record<HandleName, unknown> }
  if (abiMajor(library) >= 1) return { type: 'intptr_t', handles: ABI_HANDLES }
  if (/MPICH|MVAPICH|Intel/i.test(version)) return { type: 'int', handles: MPICH_HANDLES }
  throw notKnown(path, `it calls itself ${JSON.stringify(version)}`)
}

function symbolOf(library: Library, name: string): unknown {
  try {
    return library.symbol(name, 'char')
  } catch {
    return undefined
  }
}

/** Returns the version of the library's MPI ABI; below 1 if it has another ABI. */
function abiMajor(library: Library): number {
  const major = [-1]
  try {
    library.func('int MPI_Abi_get_version(_Out_ int *, _Out_ int *)')(major, [0])
  } catch {
    // a library older than MPI 5
  }
  return major[0]!
}

const notKnown = (path: string, why: string): UserError =>
  new UserError({
    at: path,
    problem: `is not an MPI library that compacter knows: ${why}.`,
    remedy: 'Name one in COMPACTER_MPI: Open MPI 4 or newer, MPICH 4 or newer and its kin, or any with the MPI 5 ABI.',
  })
