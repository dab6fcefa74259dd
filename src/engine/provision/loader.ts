import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { InstalledEngine } from './cache.js'

const require = createRequire(import.meta.url)

interface Loader {
  /** Messages below this level (0 all, 1 warnings, 2 errors, 3 fatal) are not printed. */
  quiet(level: number): void
  /** Opens a shared library for everything loaded later. Returns the system's message if it can't. */
  open(library: string): string | undefined
}

/**
 * TensorFlow 2.21 prints while it loads, whatever TF_CPP_MIN_LOG_LEVEL says, and looks for CUDA on the system's path
 * only. This addon depends on libtensorflow_framework alone, so it loads first, and puts both right.
 */
export const LOADER_SOURCE = String.raw`
#include <dlfcn.h>
#include <node_api.h>
#include "absl/log/globals.h"

static napi_value Quiet(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value level_value;
  int32_t level = 0;
  napi_get_cb_info(env, info, &count, &level_value, nullptr, nullptr);
  napi_get_value_int32(env, level_value, &level);
  absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(level));
  return nullptr;
}

static napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value path_value, message = nullptr;
  char path[4096];
  napi_get_cb_info(env, info, &count, &path_value, nullptr, nullptr);
  napi_get_value_string_utf8(env, path_value, path, sizeof path, &length);
  if (!dlopen(path, RTLD_LAZY | RTLD_GLOBAL)) napi_create_string_utf8(env, dlerror(), NAPI_AUTO_LENGTH, &message);
  return message;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
    {"quiet", nullptr, Quiet, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
    {"open", nullptr, Open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}
`

/** The files to load, in order, all absolute. */
export interface LoadPlan {
  loader: string | undefined
  libraries: string[]
  addon: string
}

export const loadPlan = ({ folder, record }: InstalledEngine): LoadPlan => ({
  loader: record.loader && join(folder, record.loader),
  libraries: record.loader ? cudaLibraries(folder) : [],
  addon: join(folder, record.addon),
})

/** Loads the addon in this process, quietly, with CUDA's libraries where they lie beside it. */
export function loadAddon(engine: InstalledEngine): unknown {
  // The variable is for libtensorflow 2.9, which reads it while it loads.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  const { loader, libraries, addon } = loadPlan(engine)
  if (loader) {
    const { quiet, open } = require(loader) as Loader
    quiet(Number(process.env.TF_CPP_MIN_LOG_LEVEL))
    for (const library of libraries) open(library)
  }
  return require(addon)
}

/** What of CUDA can't be opened, in the system's words; nothing without our loader. */
export function missingCudaLibraries({ folder, record }: InstalledEngine): string[] {
  if (!record.loader) return []
  const loader = require(join(folder, record.loader)) as Loader
  const names = ['cuda.so.1', 'cudart.so.12', 'cublas.so.12', 'cublasLt.so.12', 'cudnn.so.9', 'cufft.so.11']
  return [...names, 'cusolver.so.11', 'cusparse.so.12'].flatMap((name) => loader.open(`lib${name}`) ?? [])
}

/** cuDNN's parts are left to cuDNN, which opens what it needs. */
function cudaLibraries(folder: string): string[] {
  const nvidia = join(folder, 'nvidia')
  try {
    return readdirSync(nvidia, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.so(\.\d+)*$/.test(name) && !name.includes('libcudnn_'))
      .map((name) => join(nvidia, name))
  } catch {
    return []
  }
}
