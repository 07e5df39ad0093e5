import type { FollowerKey } from '../domain/followers.ts'

/** On loopback a follower needs no client. */
export function nameOfFollower({ clientId, follower }: FollowerKey): object {
  return { client: clientId === '' ? undefined : clientId, follower }
}
