import { randomBytes } from 'node:crypto'
import type { Sealer } from './domain/sealing.ts'
import { createSealer } from './domain/sealing.ts'
import type { IdentitySecrets } from './settings/secrets.ts'

export type SealingKeys = Pick<IdentitySecrets, 'sealingKey' | 'previousSealingKey'>

/** Seals with the present key, and opens what the one before has sealed too. */
export function sealerOf({ sealingKey, previousSealingKey }: SealingKeys): Sealer {
  const others = previousSealingKey === undefined ? [] : [previousSealingKey]
  return createSealer(sealingKey, randomBytes, others)
}
