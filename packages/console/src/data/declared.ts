import type { SettingsInForce } from '@portcullis/client/admin'
import { administration } from '../session/session.ts'
import type { Loading } from './load.ts'
import { useLoaded } from './load.ts'

/** What the operator's file declares, which forms offer to choose from. */
export function useDeclared(): Loading<SettingsInForce> {
  return useLoaded('declared', () => administration.settings.read())
}
