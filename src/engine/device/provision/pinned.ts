/** Returns a key of the tables below. */
export const platformOf = (cuda: boolean): string => `${process.platform} ${process.arch}${cuda ? ' cuda' : ''}`

/** A wheel of one exact version; pip accepts no file with another hash. */
export interface PinnedWheel {
  /** `name==version`, as pip takes it. */
  requirement: string
  /** `sha256:…` or `sha512:…`; undefined where we know none. */
  hash: string | undefined
  /**
   * The Python version in the file's name. Only the libraries inside matter, so it need not be the one installed here.
   */
  python: string
}

const TENSORFLOW = '2.21.0'
const wheel = (requirement: string, hash: string | undefined, python = '3.11'): PinnedWheel => ({
  requirement,
  hash,
  python,
})

/**
 * TensorFlow's wheel by platform. The hash of `linux x64` is that of the file that the tests of this repository run on,
 * and PyPI's; the one for CUDA is PyPI's, taken from a lock file.
 */
export const TENSORFLOW_WHEELS: Record<string, PinnedWheel> = {
  'linux x64': wheel(
    `tensorflow-cpu==${TENSORFLOW}`,
    'sha256:2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  ),
  'linux x64 cuda': wheel(
    `tensorflow==${TENSORFLOW}`,
    'sha256:e9d8da8dcab9650efb45f032ba70af2f016f907e6e0c6bda29dd101bba945406',
    '3.13',
  ),
  'linux arm64': wheel(`tensorflow==${TENSORFLOW}`, undefined),
  'linux arm64 cuda': wheel(`tensorflow==${TENSORFLOW}`, undefined),
  'darwin arm64': wheel(`tensorflow==${TENSORFLOW}`, undefined),
}

/**
 * CUDA 12.8 and cuDNN 9.10 for `linux x64`, within what TensorFlow 2.21's extra `and-cuda` asks for; the hashes are
 * PyPI's.
 */
export const CUDA_WHEELS: PinnedWheel[] = [
  wheel('nvidia-cublas-cu12==12.8.4.1', 'sha256:8ac4e771d5a348c551b2a426eda6193c19aa630236b418086020df5ba9667142'),
  wheel('nvidia-cuda-cupti-cu12==12.8.90', 'sha256:ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182'),
  wheel(
    'nvidia-cuda-nvcc-cu12==12.8.93',
    'sha512:f7fa0e20ba78a3665a76b94bfe4d1b0f9c394006bda44425fda45975e724ff800f59040d9520f27101013a452f16bb4053591c6f3e938dc6370275a4f2379053',
  ),
  wheel('nvidia-cuda-nvrtc-cu12==12.8.93', 'sha256:a7756528852ef889772a84c6cd89d41dfa74667e24cca16bb31f8f061e3e9994'),
  wheel('nvidia-cuda-runtime-cu12==12.8.90', 'sha256:adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90'),
  wheel('nvidia-cudnn-cu12==9.10.2.21', 'sha256:949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8'),
  wheel('nvidia-cufft-cu12==11.3.3.83', 'sha256:4d2dd21ec0b88cf61b62e6b43564355e5222e4a3fb394cac0db101f2dd0d4f74'),
  wheel('nvidia-curand-cu12==10.3.9.90', 'sha256:b32331d4f4df5d6eefa0554c565b626c7216f87a06a4f56fab27c3b68a830ec9'),
  wheel('nvidia-cusolver-cu12==11.7.3.90', 'sha256:4376c11ad263152bd50ea295c05370360776f8c3427b30991df774f9fb26c450'),
  wheel('nvidia-cusparse-cu12==12.5.8.93', 'sha256:1ec05d76bbbd8b61b06a80e1eaf8cf4959c3d4ce8e711b65ebd0443bb0ebb13b'),
  wheel('nvidia-nccl-cu12==2.28.9', 'sha256:485776daa8447da5da39681af455aa3b2c2586ddcf4af8772495e7c532c7e5ab'),
  wheel('nvidia-nvjitlink-cu12==12.8.93', 'sha256:81ff63371a7ebd6e6451970684f916be2eab07321b73c9d244dc2b4da7f73b88'),
]

/**
 * libtensorflow as tfjs-node 4.22's scripts/install.js downloads it, by platform: its path below Google's storage, and
 * SHA-256.
 */
export const LIBTENSORFLOW: Record<string, { path: string; sha256: string }> = {
  'linux x64': {
    path: 'tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz',
    sha256: '7f510d2546e3db5e10b1d119463689003d587842892ad3c95bca51cf82820173',
  },
  'linux x64 cuda': {
    path: 'tensorflow/libtensorflow/libtensorflow-gpu-linux-x86_64-2.9.1.tar.gz',
    sha256: '20c46f761d5905f592c4eac0812e8e50d9cb439f9440a9391912cf4c02ed8be8',
  },
  'linux arm64': {
    path: 'tf-builds/libtensorflow_r2_7_linux_arm64.tar.gz',
    sha256: '9395d1ff39f5b6847f5121e679ff4e599dc7061a2a7f87ceac061c78e908e6e3',
  },
  'darwin x64': {
    path: 'tensorflow/libtensorflow/libtensorflow-cpu-darwin-x86_64-2.9.1.tar.gz',
    sha256: '56f83d3320ba0f69aaafd6c058645e1b7fbc75fb9a3fc36d6be98de1291ca226',
  },
  'darwin arm64': {
    path: 'tf-builds/libtensorflow_r2_7_darwin_arm64_cpu.tar.gz',
    sha256: '13ab22b97e2af06e431aaeb7b42fb89981965dd01aa16da035d8210aa4183d79',
  },
}
