/**
 * One in 64 of our ids, and of the thumbprints of keys, begins with a dash. Behind `--` it is no option; what stands
 * behind an option stays there.
 */
export function withIdsLast(words: readonly string[]): readonly string[] {
  const isId = (word: string, at: number): boolean =>
    /^-[A-Za-z0-9_-]{21}(?:[A-Za-z0-9_-]{21})?$/.test(word) &&
    !word.startsWith('--') &&
    words[at - 1]?.startsWith('--') !== true
  const ids = words.filter(isId)
  if (ids.length === 0 || words.includes('--')) return words
  return [...words.filter((word, at) => !isId(word, at)), '--', ...ids]
}
