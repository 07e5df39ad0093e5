export interface AllowanceOptions {
  /** So many at once, and then one each `refillMs`. */
  readonly burst: number
  readonly refillMs: number
  /** How many networks are remembered; beyond it the one that was seen longest ago is forgotten. */
  readonly networksMax: number
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * Whether one more is fine from this network. In the memory of one node: it spares the operator's mail server
 * and good name, while mailboxes are protected by what the store keeps of each.
 */
export type Allowance = (network: string) => boolean

export function createAllowance({
  burst,
  refillMs,
  networksMax,
  now,
}: AllowanceOptions): Allowance {
  const paidUntil = new Map<string, number>()
  return (network) => {
    const at = now()
    const before = Math.max(paidUntil.get(network) ?? 0, at)
    // Taken out and put in again, so that the first of the map is the one seen longest ago.
    paidUntil.delete(network)
    const isFine = before - at <= (burst - 1) * refillMs
    paidUntil.set(network, isFine ? before + refillMs : before)
    const [oldest] = paidUntil.keys()
    if (paidUntil.size > networksMax && oldest !== undefined) paidUntil.delete(oldest)
    return isFine
  }
}
