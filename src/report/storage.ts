import { counted } from '../counted.js'
import type { Storage } from '../engine/one_backbone.js'
import { byteSize } from '../size.js'

/** What sharing a backbone saves: `3 runs on one backbone: 36.0 MiB + 215 KiB trained; as full copies 108 MiB`. */
export function storageLine({ runs, backbone_bytes, trained_bytes, full_copies_bytes }: Storage): string {
  const parts = `${byteSize(backbone_bytes)} + ${byteSize(trained_bytes)} trained`
  return `${counted(runs, 'run')} on one backbone: ${parts}; as full copies ${byteSize(full_copies_bytes)}`
}
