import { issuerMetadataUrl } from '@portcullis/protocol'
import { DoctorError } from '../doctor-error.ts'
import { fetchDocument } from './document.ts'

/** The key set of an issuer that the operator has named, by its metadata. Throws a `DoctorError` when it has none. */
export async function readKeySet(issuer: string): Promise<unknown> {
  const origin = URL.parse(issuer)?.origin
  if (origin === undefined) {
    throw new DoctorError('usage', 'the issuer is no URL', 'Name it as tokens have it in iss.')
  }
  const places = [
    issuerMetadataUrl(issuer),
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ]
  for (const place of places) {
    const metadata = await fetchDocument(place)
    const named = metadata.kind === 'document' ? metadata.members['jwks_uri'] : undefined
    // Nobody has named another host.
    if (typeof named !== 'string' || URL.parse(named)?.origin !== origin) continue
    const keySet = await fetchDocument(named)
    if (keySet.kind === 'document') return keySet.members
  }
  const remedy = 'Check --issuer; or leave it out, and nothing is made that needs its public key.'
  throw new DoctorError('unreachable', 'no key set can be had from the issuer', remedy)
}
