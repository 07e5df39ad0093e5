import type { ClientDeclaration, Registry } from './registry.ts'
import { algorithmsOfAll, confidentialGrants, issuerAudience } from './registry.ts'
import { isSameEncryption } from './token-encryption.ts'

/** Something in a client's declaration that cannot be. */
export interface DeclarationFault {
  readonly member: 'grants' | 'audiences' | 'scopes'
  readonly fault: string
}

/** Holds what a client would be allowed against what there is. Of one that comes from the file the settings say the same. */
export function declarationFaults(
  registry: Registry,
  client: ClientDeclaration,
): readonly DeclarationFault[] {
  return [
    ...grantFaults(client),
    ...audienceFaults(registry, client),
    ...scopeFaults(registry, client),
  ]
}

function grantFaults({ isPublic, grants }: ClientDeclaration): readonly DeclarationFault[] {
  return confidentialGrants
    .filter((grant) => isPublic && grants.includes(grant))
    .map((grant) => ({ member: 'grants', fault: `${grant} is not for public clients` }))
}

function audienceFaults(
  { issuer, audiences }: Registry,
  client: ClientDeclaration,
): readonly DeclarationFault[] {
  const unknown = client.audiences.filter((name) => !audiences.has(name))
  if (unknown.length > 0) {
    return unknown.map((name) => ({
      member: 'audiences',
      fault: name === issuer ? 'every client may ask for the issuer' : `${name} is not known`,
    }))
  }
  const policies = client.audiences.flatMap((name) => audiences.get(name) ?? [])
  if (policies.length > 0 && algorithmsOfAll(policies.map((one) => one.algorithms)).length === 0) {
    const fault = 'these sign with different algorithms, and one token has only one'
    return [{ member: 'audiences', fault }]
  }
  const [first] = policies
  return policies.every((one) => isSameEncryption(one.encryption, first?.encryption))
    ? []
    : [
        {
          member: 'audiences',
          fault: 'these have different encryption keys, and one token is for one key',
        },
      ]
}

function scopeFaults(
  { audiences }: Registry,
  client: ClientDeclaration,
): readonly DeclarationFault[] {
  const policies = client.audiences.flatMap((name) => audiences.get(name) ?? [])
  const known = new Set([issuerAudience, ...policies].flatMap(({ scopes }) => scopes))
  return client.scopes
    .filter((scope) => !known.has(scope))
    .map((scope) => ({ member: 'scopes', fault: `${scope} is no scope of its audiences` }))
}
