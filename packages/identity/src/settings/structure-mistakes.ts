import type { JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { Mistake } from '@portcullis/runtime'
import { pointerToMember } from '@portcullis/runtime'
import { sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import {
  algorithmsOfAll,
  confidentialGrants,
  issuerAudience,
  pagesClientName,
} from '../domain/registry.ts'
import { isReservedClaim } from '../domain/reserved-claims.ts'
import type { EncryptionKey } from '../domain/token-encryption.ts'
import { isSameEncryption } from '../domain/token-encryption.ts'
import { readEncryptionKey } from './encryption-keys.ts'

/**
 * Finds what the schema of the file cannot say: names that must refer to each other. Takes any value
 * and looks only at what has the right type, so that a mistake elsewhere hides none of these, and none
 * is reported twice.
 */
export function structureMistakes(file: unknown): readonly Mistake[] {
  if (!isJsonObject(file)) return []
  const { audiences, roles, clients } = file
  // Without audiences every name would be unknown, which says nothing new.
  if (!isJsonObject(audiences)) return []
  const known = membersOf(audiences)
  return [
    ...[...membersOf(roles)].flatMap(([role, grants]) =>
      grantMistakes(pointerToMember('/roles', role), grants, known),
    ),
    ...[...membersOf(clients)].flatMap(([name, client]) =>
      clientMistakes(pointerToMember('/clients', name), client, known),
    ),
    ...pagesClientMistakes(membersOf(clients)),
    ...claimMistakes(known),
    ...sharedSecretMistakes(known),
    ...encryptionMistakes(known),
  ]
}

/** A Map, so that no name is found on a prototype. */
type Members = ReadonlyMap<string, JsonValue | undefined>

function grantMistakes(
  role: string,
  grants: JsonValue | undefined,
  audiences: Members,
): readonly Mistake[] {
  return [...membersOf(grants)].flatMap(([name, scopes]) => {
    const path = pointerToMember(role, name)
    if (!audiences.has(name)) return [{ path, message: 'is not an audience of this file' }]
    const known = textsOf(membersOf(audiences.get(name)).get('scopes'))
    return textsOf(scopes)
      .filter((scope) => !known.includes(scope))
      .map((scope) => ({ path, message: `${scope} is not a scope of the audience ${name}` }))
  })
}

function clientMistakes(
  client: string,
  declaration: JsonValue | undefined,
  audiences: Members,
): readonly Mistake[] {
  const members = membersOf(declaration)
  const names = textsOf(members.get('audiences'))
  const path = `${client}/audiences`
  const mistakes = names
    .filter((name) => !audiences.has(name))
    .map((name) => ({ path, message: `${name} is not an audience of this file` }))
  if (
    names.length > 1 &&
    algorithmsOfAll(names.map((name) => algorithmsAt(audiences.get(name)))).length === 0
  ) {
    const message = 'these audiences sign with different algorithms, and one token has only one'
    mistakes.push({ path, message })
  }
  const [first, ...others] = names.map((name) => encryptionAt(audiences.get(name)))
  if (!others.every((other) => isSameEncryption(first, other))) {
    const message = 'these audiences have different encryption keys, and one token is for one key'
    mistakes.push({ path, message })
  }
  const grants = textsOf(members.get('grants'))
  for (const grant of confidentialGrants.filter((name) => grants.includes(name))) {
    const message = `${grant} needs a secret, so it is not for public clients`
    mistakes.push({ path: `${client}/grants`, message })
  }
  return mistakes
}

/** Whoever could widen it would change what people agree to who sign in at our own pages. */
function pagesClientMistakes(clients: Members): readonly Mistake[] {
  if (!clients.has(pagesClientName)) return []
  const message = "is the built-in client of identity's own pages: give yours another name"
  return [{ path: pointerToMember('/clients', pagesClientName), message }]
}

/** One token may be for several audiences, so a claim means one thing in the whole file. */
function claimMistakes(audiences: Members): readonly Mistake[] {
  const meanings = new Map<string, JsonValue | undefined>()
  return [...audiences].flatMap(([name, audience]) =>
    [...membersOf(membersOf(audience).get('claims'))].flatMap(([claim, meaning]) => {
      const path = pointerToMember(`${pointerToMember('/audiences', name)}/claims`, claim)
      if (isReservedClaim(claim)) return [{ path, message: 'has a meaning already' }]
      const other = meanings.get(claim) ?? meaning
      meanings.set(claim, other)
      return other === meaning
        ? []
        : [{ path, message: `is ${JSON.stringify(other)} at another audience` }]
    }),
  )
}

/** Whether an audience of this file, which may have mistakes, asks for it. */
export function namesAlgorithm(file: unknown, algorithm: string): boolean {
  const { audiences } = isJsonObject(file) ? file : {}
  return [...membersOf(audiences).values()].some((audience) =>
    algorithmsAt(audience).includes(algorithm),
  )
}

/** The roles that an account can have in this file. */
export function rolesOfFile(file: unknown): ReadonlySet<string> {
  const { audiences, roles } = isJsonObject(file) ? file : {}
  const ofAudiences = [...membersOf(audiences).values()].flatMap((audience) =>
    textsOf(membersOf(audience).get('roles')),
  )
  return new Set([...membersOf(roles).keys(), ...ofAudiences])
}

/** Whoever verifies HS256 can mint, so the one service that does must be the only one. */
function sharedSecretMistakes(audiences: Members): readonly Mistake[] {
  return [...audiences].flatMap(([name, audience]) => {
    const algorithms = algorithmsAt(audience)
    if (!algorithms.includes(sharedSecretAlgorithm)) return []
    const path = `${pointerToMember('/audiences', name)}/algorithm`
    const alone = 'HS256 is for the only audience of a file: whoever verifies it can also mint'
    const single = 'HS256 is not one of several: a verifier has a shared secret or public keys'
    return [
      ...(audiences.size > 1 ? [{ path, message: alone }] : []),
      ...(algorithms.length > 1 ? [{ path, message: single }] : []),
    ]
  })
}

function encryptionMistakes(audiences: Members): readonly Mistake[] {
  return [...audiences].flatMap(([name, audience]) => {
    const declared = membersOf(audience).get('encryption')
    const read = isJsonObject(declared) ? readEncryptionKey(declared) : undefined
    if (read?.kind !== 'mistaken') return []
    const place = `${pointerToMember('/audiences', name)}/encryption`
    const path = read.member === undefined ? place : `${place}/${read.member}`
    return [{ path, message: read.why }]
  })
}

function algorithmsAt(audience: JsonValue | undefined): readonly JsonValue[] {
  const said = membersOf(audience).get('algorithm') ?? issuerAudience.algorithms
  return Array.isArray(said) ? said : [said]
}

function encryptionAt(audience: JsonValue | undefined): EncryptionKey | undefined {
  const declared = membersOf(audience).get('encryption')
  const read = isJsonObject(declared) ? readEncryptionKey(declared) : undefined
  return read?.kind === 'key' ? read.key : undefined
}

function membersOf(value: JsonValue | undefined): Members {
  return new Map(isJsonObject(value) ? Object.entries(value) : [])
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}
