import type { HeaderFault } from '@portcullis/protocol/jws'

/** Why a DPoP proof was refused; for logs and metrics. */
export type ProofFault =
  | 'missing-proof'
  | 'several-proofs'
  | 'malformed'
  | Exclude<HeaderFault, 'missing-key-id'>
  | 'unusable-key'
  | 'wrong-key'
  | 'bad-signature'
  | 'malformed-claims'
  | 'wrong-method'
  | 'unknown-url'
  | 'wrong-url'
  | 'wrong-token'
  | 'too-old'
  | 'not-yet-valid'
  | 'replayed'

/** What a client is told. No part of a proof or token is in it. */
export const proofFaultDescriptions: Readonly<Record<ProofFault, string>> = {
  'missing-proof': 'the token is bound to a key and comes without a DPoP proof',
  'several-proofs': 'more than one DPoP header',
  malformed: 'the proof is not a compact JWS with one JSON object in header and payload',
  'wrong-type': 'the typ of the proof is not dpop+jwt',
  'algorithm-not-allowed': 'the algorithm of the proof is not allowed',
  'unsupported-extension': 'the proof asks for a JWS extension that is not supported',
  'unusable-key': 'the jwk of the proof is not a public key for its algorithm',
  'wrong-key': 'the token is bound to another key',
  'bad-signature': 'the signature of the proof is wrong',
  'malformed-claims': 'a claim of the proof is missing or has a wrong form',
  'wrong-method': 'the proof is for another method',
  'unknown-url': 'the service cannot tell which URL was asked for',
  'wrong-url': 'the proof is for another URL',
  'wrong-token': 'the proof is for another token',
  'too-old': 'the proof is too old',
  'not-yet-valid': 'the proof is from the future',
  replayed: 'the proof was used before',
}
