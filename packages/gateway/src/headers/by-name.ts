/** Clients send the same few names again and again; more than these are made up by somebody. */
const namesMax = 512
const nameLengthMax = 64

/**
 * Remembers what was found out about names, each in its very spelling. Names that nobody has room for are looked at
 * each time, so whoever makes them up only slows down what he asks himself.
 */
export function rememberedByName<Fact extends boolean | string>(
  findOut: (spelling: string) => Fact,
): (spelling: string) => Fact {
  const known = new Map<string, Fact>()
  return (spelling) => {
    const remembered = known.get(spelling)
    if (remembered !== undefined) return remembered
    const fact = findOut(spelling)
    if (known.size < namesMax && spelling.length <= nameLengthMax) known.set(spelling, fact)
    return fact
  }
}
