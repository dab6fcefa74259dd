/** The part of jstat that is used here; the package ships no types. */
declare module 'jstat' {
  interface Distribution<Parameters extends number[]> {
    cdf(x: number, ...parameters: Parameters): number
    inv(p: number, ...parameters: Parameters): number
  }
  const jstat: {
    jStat: {
      normal: Distribution<[mean: number, std: number]>
      studentt: Distribution<[degrees: number]>
    }
  }
  export default jstat
}
