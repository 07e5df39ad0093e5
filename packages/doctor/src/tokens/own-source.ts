import { Buffer } from 'node:buffer'
import type { Setting } from '../attacks/adapted-recipe.ts'
import { adaptRecipe } from '../attacks/adapted-recipe.ts'
import { readCorpus } from '../attacks/corpus.ts'
import { createTokenAttacks, requestOf } from '../attacks/token-attacks.ts'
import { DoctorError } from '../doctor-error.ts'
import type { OwnIssuerSettings } from '../examine-options.ts'
import { attackerKeyFrom } from './attacker-key.ts'
import type { OwnIssuer } from './own-issuer.ts'
import { startOwnIssuer } from './own-issuer.ts'
import type { TakeBack, TokenSource } from './token-source.ts'
import { startTrap } from './trap.ts'
import type { Trap } from './trap.ts'

const defaultHost = '127.0.0.1'

/** Valid tokens by an issuer that is started for it. */
export async function createOwnSource(
  settings: OwnIssuerSettings,
): Promise<{ readonly source: TokenSource; readonly trap: Trap }> {
  const { audience, claims = {}, host = defaultHost, waitSeconds = 300, onTrust } = settings
  const issuer = await start(settings)
  const { algorithm, forge } = issuer
  const trap = await startTrap(host, () => [attackerKeyFrom(forge)])
  const setting: Setting = { audience, claims, trapOrigin: trap.origin }
  const making = { forge, adapt: adaptRecipe.bind(undefined, setting) }
  const { client } = issuer
  onTrust?.({ ...issuer.addresses, issuer: issuer.issuer, audience, algorithm, client })
  const source: TokenSource = {
    mode: 'own-issuer',
    plain: () => requestOf({}, making),
    attacks: () => createTokenAttacks({ ...making, corpus: readCorpus(), algorithm }),
    waitSeconds,
    takeBack: () => takeBackOf(issuer, requestOf({}, making), settings),
    close: issuer.close,
  }
  return { source, trap }
}

function takeBackOf(
  issuer: OwnIssuer,
  request: TakeBack['request'],
  { expectRevocation = false }: OwnIssuerSettings,
): ReturnType<TokenSource['takeBack']> {
  const isPromised = issuer.isFollowed()
  if (!isPromised && !expectRevocation) {
    return { why: 'the service does not follow the revocation feed of the issuer' }
  }
  const jti = jtiOf(request.token ?? '')
  if (jti === undefined) return { why: 'its tokens have no jti' }
  return { request, isPromised, revoke: async () => void issuer.revoke({ jti }) }
}

function jtiOf(token: string): string | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  const { jti } = JSON.parse(payload) as { readonly jti?: unknown }
  return typeof jti === 'string' ? jti : undefined
}

async function start(settings: OwnIssuerSettings): Promise<OwnIssuer> {
  const { algorithm = 'RS256', host = defaultHost, port = 0, issuerUrl } = settings
  try {
    return await startOwnIssuer({ algorithm, host, port, issuerUrl })
  } catch (error) {
    const why = error instanceof Error ? error.message : 'error'
    const remedy = 'Name an address of this machine that is free, and an issuer URL with https.'
    throw new DoctorError('usage', `the issuer cannot be started: ${why}`, remedy)
  }
}
