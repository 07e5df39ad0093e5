/** It comes without types; this is what is used of it. */
declare module 'jws' {
  interface Decoded {
    readonly header: Readonly<Record<string, unknown>>
    readonly payload: string
  }

  const jws: {
    readonly decode: (token: string) => Decoded | null
    readonly verify: (token: string, algorithm: string, key: string) => boolean
  }

  export default jws
}
