import { setFlagsFromString } from 'node:v8'

/**
 * Has one thread alone collect what was allocated a moment ago. V8 shares that work among several, which wait for each
 * other: in a process that answers many small requests, and has a core and not a machine for itself, that takes more
 * than the work (ADR 0045). V8 looks at this flag at each collection, so it can be set in a process that runs.
 */
export function collectYoungGarbageAlone(): void {
  setFlagsFromString('--no-parallel-scavenge')
}
