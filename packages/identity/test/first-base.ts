import { startMs } from './chosen-clock.ts'

/**
 * The base of the first epoch of a store that is opened at `startMs`, and so the generation of who has never been signed
 * out everywhere. Bases go by the clock, so that two are different even when nothing is left of the first.
 */
export const firstBase: number = Math.floor(startMs / 1000) * 2 ** 20
