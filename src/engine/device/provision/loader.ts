import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hashFiles } from '../../../base/files/hash.js'
import { type InstalledEngine, NAPI_VERSION } from './cache.js'

const require = createRequire(import.meta.url)

interface Loader {
  /** Opens a shared library for everything that is loaded later. Returns the system's message if it can't. */
  open(library: string): string | undefined
  /** Discards the process's stderr until unmute. */
  mute(): void
  unmute(): void
}

/**
 * A small addon of ours. TensorFlow 2.21 looks for CUDA only on the system's path, and prints a line about oneDNN
 * before any setting can reach it: the addon opens CUDA and keeps the line off the terminal.
 */
export const LOADER_SOURCE = `
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved_stderr = -1;

static napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value path_value, message = nullptr;
  char path[4096];
  napi_get_cb_info(env, info, &count, &path_value, nullptr, nullptr);
  napi_get_value_string_utf8(env, path_value, path, sizeof path, &length);
  if (!dlopen(path, RTLD_LAZY | RTLD_GLOBAL)) napi_create_string_utf8(env, dlerror(), NAPI_AUTO_LENGTH, &message);
  return message;
}

static napi_value Mute(napi_env, napi_callback_info) {
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  saved_stderr = dup(2);
  dup2(nowhere, 2);
  close(nowhere);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  dup2(saved_stderr, 2);
  close(saved_stderr);
  return nullptr;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
    {"open", nullptr, Open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
    {"mute", nullptr, Mute, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
    {"unmute", nullptr, Unmute, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 3, functions);
  return exports;
}
`

/** Compiled into the binding: Abseil's log, to which TensorFlow writes since 2.18, ignores TensorFlow's variable. */
export const QUIET_SOURCE = `
#include <cstdlib>
#include "absl/log/globals.h"

__attribute__((constructor)) static void Quiet() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level) absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(std::atoi(level)));
}
`

/** Where set-up puts the binding: next to the wheel's library, or as in tfjs-node's own package. */
export const WHEEL_ADDON = 'tfjs_binding.node'
export const DOWNLOADED_ADDON = `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`
/** Exists only next to the wheel's library. */
export const LOADER = 'loader.node'

/** The files to load, in order, all absolute. */
export interface LoadPlan {
  loader: string | undefined
  libraries: string[]
  addon: string
}

/** Returns the files to load. @throws Error where a file is not the one that set-up left. */
export function loadPlan({ folder, record }: InstalledEngine): LoadPlan {
  const hashes = record.sha256 ?? {}
  for (const [file, hash] of Object.entries(hashes)) {
    if (hashFiles([join(folder, file)]) !== hash)
      throw new Error(`${file} is not the file that was set up: remove ${folder}`)
  }
  const addon = [WHEEL_ADDON, DOWNLOADED_ADDON].find((file) => file in hashes)
  if (!addon) throw new Error(`its engine.json has no hash of ${WHEEL_ADDON}`)
  const loader = LOADER in hashes ? join(folder, LOADER) : undefined
  return { loader, libraries: loader ? cudaLibraries(folder, Object.keys(hashes)) : [], addon: join(folder, addon) }
}

/** Loads the addon in this process, quietly, with CUDA's libraries if they are next to it. */
export function loadAddon(engine: InstalledEngine): unknown {
  // The variable is for libtensorflow 2.9, which reads it while it loads.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  const { loader, libraries, addon } = loadPlan(engine)
  if (!loader || process.env.TF_CPP_MIN_LOG_LEVEL === '0') return require(addon)
  const { open, mute, unmute } = require(loader) as Loader
  mute()
  try {
    for (const library of libraries) open(library)
    return require(addon)
  } finally {
    unmute()
  }
}

/** Returns the system's messages for the CUDA libraries that can't be opened; nothing without our loader. */
export function missingCudaLibraries({ folder, record }: InstalledEngine): string[] {
  if (!record.sha256?.[LOADER]) return []
  const loader = require(join(folder, LOADER)) as Loader
  const names = ['cuda.so.1', 'cudart.so.12', 'cublas.so.12', 'cublasLt.so.12', 'cudnn.so.9', 'cufft.so.11']
  return [...names, 'cusolver.so.11', 'cusparse.so.12'].flatMap((name) => loader.open(`lib${name}`) ?? [])
}

/** cuDNN opens its own parts when it needs them. */
const cudaLibraries = (folder: string, files: string[]): string[] =>
  files
    .filter((file) => /^nvidia[\\/].*\.so(\.\d+)*$/.test(file) && !file.includes('libcudnn_'))
    .map((file) => join(folder, file))
