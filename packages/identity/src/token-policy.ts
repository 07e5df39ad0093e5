import type { Log } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { Keyring } from './domain/keyring.ts'
import type { Registry } from './domain/registry.ts'
import { hasKeyPair, issuerAudience, usesSharedSecret } from './domain/registry.ts'
import type { SharedSecrets } from './domain/shared-secrets.ts'

/** The secrets of HS256 when an audience asks for it, and otherwise nothing, whatever was given. */
export function sharedSecretsOf(
  registry: Registry,
  given: SharedSecrets | undefined,
  log: Log,
): SharedSecrets | undefined {
  if (!usesSharedSecret(registry)) return undefined
  if (given === undefined) {
    throw new StartError(
      'an audience asks for HS256, and its secret is not set',
      'Set PORTCULLIS_HS256_SECRET, or PORTCULLIS_HS256_SECRET_FILE; or choose an algorithm with public keys.',
    )
  }
  log.warn(
    { kids: given.map(({ kid }) => kid) },
    'HS256 is in use: whoever can verify these tokens can also mint them, for anybody and with any role; ' +
      'no key set publishes the secret, and it rotates by hand only. RS256 and ES256 have none of this',
  )
  return given
}

/** Says which audiences sign with a key that copies of the key set in use may lack (`domain/keyring`). */
export function tellOfUnreadyKeys(
  { audiences }: Registry,
  keyring: Pick<Keyring, 'isReady'>,
  log: Log,
): void {
  // In a new store all keys are, and nobody has a copy of an older key set.
  if (!issuerAudience.algorithms.filter(hasKeyPair).every(keyring.isReady)) return
  for (const [audience, { algorithms }] of audiences) {
    const [algorithm, ...others] = algorithms.filter(hasKeyPair)
    if (algorithm === undefined || others.length > 0 || keyring.isReady(algorithm)) continue
    log.warn(
      { audience, algorithm },
      'the key of this algorithm is new, and signs before every verifier knows it: to change an algorithm ' +
        'without that, name the old one behind the new one',
    )
  }
}
