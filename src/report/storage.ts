import type { Storage } from '../engine/one_backbone.js'

/** What sharing a backbone saves: `3 runs on one backbone: 37.7 MB + 0.2 MB trained; as full copies 113.1 MB`. */
export function storageLine({ runs, backbone_bytes, trained_bytes, full_copies_bytes }: Storage): string {
  const parts = `${megabytes(backbone_bytes)} + ${megabytes(trained_bytes)} trained`
  return `${runs} runs on one backbone: ${parts}; as full copies ${megabytes(full_copies_bytes)}`
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 2 })} MB`
