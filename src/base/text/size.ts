const UNITS = ['KiB', 'MiB', 'GiB', 'TiB']

/** Bytes as text in binary units, three digits: 85.2 KiB, 1.28 GiB. Every size that is printed is one. */
export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
  let [size, unit] = [bytes / 1024, 0]
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1]
  return `${size >= 1000 ? Math.round(size) : size.toPrecision(3)} ${UNITS[unit]}`
}
