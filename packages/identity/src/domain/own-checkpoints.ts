import { judgeHeader, parseCompactJws, parseVerificationKey } from '@portcullis/protocol/jws'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import { checkpointType, parseCheckpoint } from '@portcullis/protocol/revocations'
import type { JwkSet } from './key-custody.ts'

/** Undefined for what no key of the feed has signed as a checkpoint. */
export type OpenCheckpoint = (text: string) => Checkpoint | undefined

const algorithms: ReadonlySet<string> = new Set(['ES256'])

/** Opens checkpoints that have been with somebody else meanwhile. */
export function createOpenCheckpoint(feedJwks: () => JwkSet): OpenCheckpoint {
  return (text) => {
    const jws = parseCompactJws(text)
    if (jws.kind === 'malformed') return undefined
    const header = judgeHeader(jws.header, { typ: checkpointType, algorithms })
    if (header.kind === 'refused') return undefined
    const jwk = feedJwks().keys.find(({ kid }) => kid === header.kid)
    const key = parseVerificationKey(jwk)
    if (key.kind !== 'key' || key.key.algorithm.name !== header.algorithm) return undefined
    const { algorithm, publicKey } = key.key
    const isSigned = algorithm.verify(publicKey, jws.signingInput, jws.signature)
    return isSigned ? parseCheckpoint(jws.payload) : undefined
  }
}
