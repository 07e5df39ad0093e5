/** RFC 9110 section 12.5.3, without preferring one that we do not have. */
export function takesGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((entry) => {
        const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim())
        const weight = parameters.find((one) => one.startsWith('q='))?.slice(2) ?? '1'
        return [coding, Number(weight)] as const
      }),
  )
  const weight = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0
  return weight > 0
}
