import type { FollowerKey, FollowerSoftware } from '../domain/followers.ts'

/** On loopback a follower needs no client. */
export function nameOfFollower({ clientId, follower }: FollowerKey): object {
  return { client: clientId === '' ? undefined : clientId, follower }
}

export function softwareMembers(software: FollowerSoftware | undefined): object {
  return { software: software?.name, version: software?.version }
}
