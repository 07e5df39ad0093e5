import type { AnsweredRequest } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { Activity, ActivitySeries } from '../domain/activity.ts'
import { pathAtIssuer } from './issuer-path.ts'

const grants = new WeakMap<FastifyReply, string>()

/** For those who count: the routes say what was asked, and `/token` is asked for several things. */
export function noteGrant(reply: FastifyReply, grantType: string): void {
  grants.set(reply, grantType)
}

export function grantOf(reply: FastifyReply): string | undefined {
  return grants.get(reply)
}

export interface CountedRequest extends Pick<
  AnsweredRequest,
  'method' | 'route' | 'status' | 'reason'
> {
  readonly grant: string | undefined
}

/** Which series a request belongs to when it was answered, and when it was refused. Sign-ins are counted where people are let in. */
interface CountedRoute {
  readonly answered: readonly ActivitySeries[]
  readonly refused?: ActivitySeries
}

const issuing: CountedRoute = { answered: ['tokens_issued'] }
const routes: Readonly<Record<string, CountedRoute>> = {
  'POST /login': { ...issuing, refused: 'sign_ins_refused' },
  'POST /sign-in': { answered: [], refused: 'sign_ins_refused' },
  'POST /token': issuing,
  'POST /account/password': issuing,
  'POST /account/reauthenticate': issuing,
  'POST /sessions/end-others': issuing,
}
const refreshing: CountedRoute = {
  answered: ['refreshes', 'tokens_issued'],
  refused: 'refreshes_refused',
}

/** Counts requests by what became of them. */
export function countRequests(
  { count, countRefusal }: Activity,
  issuer: string,
): (request: CountedRequest) => void {
  const counted = new Map(
    Object.entries(routes).map(([name, what]) => {
      const [method = '', path = ''] = name.split(' ')
      return [`${method} ${pathAtIssuer(issuer, path)}`, what]
    }),
  )
  return ({ method, route, status, reason, grant }) => {
    count('requests')
    if (status >= 500) count('requests_failed')
    if (reason !== undefined) countRefusal(reason)
    const what = grant === 'refresh_token' ? refreshing : counted.get(`${method} ${route}`)
    if (what === undefined) return
    // A form is answered by the way to the next page.
    if (status < 400) for (const series of what.answered) count(series)
    else if (what.refused !== undefined) count(what.refused)
  }
}
