import { StartError } from '@portcullis/runtime'
import { auditKeyError } from './audit.ts'
import type { AuditAnchor, AuditVerdict } from './domain/audit.ts'
import type { SealingKeys } from './sealing-keys.ts'
import { sealerOf } from './sealing-keys.ts'
import { openAuditKey } from './store/audit-opening.ts'
import { verifyAudit } from './store/audit-verification.ts'
import { openReader } from './store/open-reader.ts'

/**
 * Verifies the audit record of a store without any node: nobody has to believe what one answers. Changes nothing
 * in the store. What an operator can mend is a `StartError`.
 */
export async function verifyStoredAudit(
  url: string,
  { anchors, ...keys }: SealingKeys & { readonly anchors: readonly AuditAnchor[] },
): Promise<AuditVerdict> {
  const { close, ...store } = await openReader(url)
  try {
    const key = await openAuditKey(store.read, sealerOf(keys)).catch((cause: unknown) => {
      throw new StartError(
        'this store has no audit record that can be read',
        'If the database answers, start an issuer of this release on it once; it makes the tables.',
        { cause },
      )
    })
    if (key === undefined) return { chains: 0, records: 0, firstBad: { what: 'key' } }
    if (key.kind === 'unopenable') throw auditKeyError(key)
    return await verifyAudit(store, key.key, anchors)
  } finally {
    await close()
  }
}
