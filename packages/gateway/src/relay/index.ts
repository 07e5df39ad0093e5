export { startRelay } from './relay.ts'
export type { Relay, RelayOptions } from './relay.ts'
export { parseRelaySettings, readRelayFile } from './settings.ts'
export type { RelayLimits, RelaySettings } from './settings.ts'
