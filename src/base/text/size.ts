const UNITS = ['KiB', 'MiB', 'GiB', 'TiB']

/** Returns bytes in binary units with three digits: 85.2 KiB, 1.28 GiB. Every printed size has this form. */
export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
  let [size, unit] = [bytes / 1024, 0]
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1]
  return `${size >= 1000 ? Math.round(size) : size.toPrecision(3)} ${UNITS[unit]}`
}
