import type { AuditEvent } from '@portcullis/client/admin'

/** As the issuer names them. */
export function eventMembers({ isAdopted, ...members }: AuditEvent): object {
  return isAdopted ? { ...members, adopted: true } : members
}
