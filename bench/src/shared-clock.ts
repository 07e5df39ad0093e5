import { hrtime } from 'node:process'

/** Milliseconds from anywhere, by the monotonic clock that all processes of a machine share. */
export function nowMs(): number {
  return Number(hrtime.bigint()) / 1e6
}
