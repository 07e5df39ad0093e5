import type { Answer } from './sender.ts'

/** True when the second may be the same page as the first, at another time. */
export function isAlike(first: Answer, second: Answer): boolean {
  if (first.status !== second.status) return false
  if (first.body === second.body) return true
  const [one, other] = [membersOf(first.body), membersOf(second.body)]
  return one !== undefined && one === other
}

/** The names of what a JSON text holds; undefined for any other text. */
function membersOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    return Array.isArray(value) ? '[]' : JSON.stringify(Object.keys(value).toSorted())
  } catch {
    return undefined
  }
}
