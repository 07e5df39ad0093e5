import type { RevocationPosition } from '@portcullis/client'
import type { JSX } from 'preact'
import { Wave } from './wave.tsx'
import { useClientNames } from '../revocation/client-names.ts'
import { useReceipts } from '../revocation/followed-receipts.ts'

/** How one revocation travels, live. */
export function FollowedWave({ position }: { readonly position: RevocationPosition }): JSX.Element {
  useClientNames()
  return <Wave followed={useReceipts(position)} />
}
