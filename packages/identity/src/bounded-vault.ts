import type { KeyVault } from './domain/key-vault.ts'
import { SignerUnavailableError } from './domain/signer-unavailable.ts'

/** People wait for it, with a login that has cost them 50 ms so far. */
const signMsMax = 2000
/** An HSM may take seconds for an RSA key; nobody waits for it but an administrator who withdraws one. */
const generateMsMax = 5000

/** The vault with a limit to its time. Whatever goes wrong in it is a `SignerUnavailableError`. */
export function boundVault(vault: KeyVault): KeyVault {
  return {
    generate: (line) => within(generateMsMax, 'make a key', async () => vault.generate(line)),
    sign: (key, input) => within(signMsMax, 'sign', async () => vault.sign(key, input)),
  }
}

async function within<Result>(
  msMax: number,
  what: string,
  ask: () => Promise<Result>,
): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new SignerUnavailableError(`the vault did not ${what} within ${msMax} ms`))
  }, msMax)
  try {
    return await Promise.race([ask(), late.promise])
  } catch (cause) {
    if (cause instanceof SignerUnavailableError) throw cause
    throw new SignerUnavailableError(`the vault failed to ${what}`, { cause })
  } finally {
    clearTimeout(timer)
  }
}
