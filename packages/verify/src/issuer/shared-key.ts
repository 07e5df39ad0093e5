import type { VerificationKey } from '@portcullis/protocol/jws'
import type { KeySource } from './key-source.ts'

/** The one key of an issuer that shares a secret with this service: nothing is fetched for it. */
export function createSharedKeySource(key: VerificationKey): KeySource {
  const held = (kid: string): VerificationKey | undefined => (kid === key.kid ? key : undefined)
  return {
    held,
    ready: async () => ({ kind: 'ready' }),
    find: async (kid) => (held(kid) === undefined ? { kind: 'unknown' } : { kind: 'key', key }),
    confirm: () => undefined,
  }
}
