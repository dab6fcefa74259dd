import { counted } from '../base/text/counted.js'
import { byteSize } from '../base/text/size.js'
import type { Storage } from '../engine/model/one_backbone.js'

/** Says what sharing a backbone saves: `3 runs on one backbone: 36.0 MiB + 215 KiB trained; as full copies 108 MiB`. */
export function storageLine({ runs, backbone_bytes, trained_bytes, full_copies_bytes }: Storage): string {
  const parts = `${byteSize(backbone_bytes)} + ${byteSize(trained_bytes)} trained`
  return `${counted(runs, 'run')} on one backbone: ${parts}; as full copies ${byteSize(full_copies_bytes)}`
}
