/** A key that tokens can be bound to (RFC 9449), and of which a request has proved that its sender holds it. */
export interface ProvenKey {
  /** RFC 7638. */
  readonly thumbprint: string
  /**
   * Uses the proof up, at all nodes: false when it was used before. To be called when everything else holds,
   * so that whoever has nothing else to show leaves nothing behind. Throws when it cannot be told.
   */
  readonly useProof: () => Promise<boolean>
}

/** The key is undefined where a request brings no proof along. */
export type ShownProof =
  { readonly kind: 'shown'; readonly key: ProvenKey | undefined } | RefusedProof

/** `nonce-wanted`: the same with a nonce of ours would be good. */
export interface RefusedProof {
  readonly kind: 'refused'
  readonly why: 'bad-proof' | 'nonce-wanted'
  readonly detail: string
}

/** Looks at the proof of a request when its turn has come. It uses nothing up. */
export type ExamineProof = () => ShownProof

export const noProof: ExamineProof = () => ({ kind: 'shown', key: undefined })

/** Undefined when this was the first use of the proof, or there is none. */
export async function refusalOfUse(key: ProvenKey | undefined): Promise<RefusedProof | undefined> {
  if (key === undefined || (await key.useProof())) return undefined
  return { kind: 'refused', why: 'bad-proof', detail: 'the proof was used before' }
}
