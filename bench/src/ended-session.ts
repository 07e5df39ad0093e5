import { setTimeout as wait } from 'node:timers/promises'
import type { Followers } from './followers.ts'
import type { Connections } from './http-load.ts'
import { formOf } from './http-load.ts'
import { audience } from './identity-server.ts'
import { nowMs } from './shared-clock.ts'

/** A session that has ended, by the clock that all processes of a machine share. */
export interface EndedSession {
  readonly startMs: number
  readonly acknowledgedAtMs: number
  /** Of each follower. */
  readonly refusedAtMs: readonly number[]
}

/** At any moment of a beat, and of a poll. */
const usualPauseMsMax = 400

/** A session that every follower lets in ends; settles when none does any more. */
export async function endSession(
  connections: Connections,
  followers: Pick<Followers, 'accept' | 'refusedAtMs'>,
  refreshToken: string,
  pauseMsMax: number = usualPauseMsMax,
): Promise<EndedSession> {
  const token = await accessTokenOf(connections, refreshToken)
  await followers.accept(token)
  await wait(Math.random() * pauseMsMax)
  const startMs = nowMs()
  await logOut(connections, token)
  const acknowledgedAtMs = nowMs()
  return { startMs, acknowledgedAtMs, refusedAtMs: await followers.refusedAtMs() }
}

export function sessionIdOf(refreshToken: string): string {
  return refreshToken.split('.')[1] ?? ''
}

export async function accessTokenOf({ ask }: Connections, refreshToken: string): Promise<string> {
  const members = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'web' }
  const answered = await ask({
    path: '/token',
    ...formOf({ ...members, audience }),
  })
  const { access_token: token, error } = answered.members
  if (answered.status !== 200) throw new Error(`a refresh was refused: ${String(error)}`)
  return String(token)
}

async function logOut({ ask }: Connections, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await ask({ path: '/logout', body: '', headers })
  if (status !== 200) throw new Error(`a logout answered ${status}`)
}
