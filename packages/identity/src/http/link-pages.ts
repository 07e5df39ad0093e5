import { isJsonObject } from '@portcullis/protocol'
import type { FastifyError, FastifyReply } from 'fastify'
import { verifyEmail } from '../domain/email-verification.ts'
import type { Throttled } from '../domain/login-protection.ts'
import type { Busy } from '../domain/passwords.ts'
import type { LinkRouteParts } from './account-links.ts'
import { confirmReset, factsOfReset } from './account-links.ts'
import { acceptForms } from './bodies.ts'
import type { Page } from './html-page.ts'
import { escapeHtml, sendPage } from './html-page.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { logFault, problemOf } from './problems.ts'
import type { HttpServer } from './server.ts'

const pageQuery = {
  type: 'object',
  properties: { token: { type: 'string', maxLength: 128 } },
} as const

/**
 * Where our own links lead, when the operator names no pages of his. They work without script. Opening one
 * does nothing: programs that look at links in mails only send GET, and a person presses a button.
 */
export function addLinkPages(app: HttpServer, parts: LinkRouteParts): void {
  const { issuer } = parts
  app.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = problemOf(error)
      logFault(error, problem, request)
      const text = problem.status < 500 ? 'This form cannot be read.' : 'Try again in a minute.'
      return sendPage(reply, problem.status, { title: problem.title, body: paragraph(text) })
    })

    const resetPath = pathAtIssuer(issuer, '/account/reset/form')
    scope.get(resetPath, { schema: { querystring: pageQuery } }, ({ query }, reply) =>
      sendPage(reply, 200, resetForm(resetPath, tokenIn(query), undefined)),
    )
    scope.post(resetPath, async ({ body, ip, log }, reply) => {
      const token = field(body, 'token')
      const password = field(body, 'password')
      const outcome = await confirmReset(parts, { token, password, address: ip })
      log.info(factsOfReset(outcome), 'password reset')
      switch (outcome.kind) {
        case 'reset':
          return sendPage(reply, 200, done.reset)
        case 'invalid':
          return sendPage(reply, 400, done.invalid)
        case 'unfit':
          return sendPage(reply, 400, resetForm(resetPath, token, outcome.fault))
        case 'throttled':
        case 'busy':
          return sendLater(reply, outcome)
      }
    })

    const verifyPath = pathAtIssuer(issuer, '/account/verify-email/form')
    scope.get(verifyPath, { schema: { querystring: pageQuery } }, ({ query }, reply) =>
      sendPage(reply, 200, verificationForm(verifyPath, tokenIn(query), undefined)),
    )
    scope.post(verifyPath, async ({ body, ip, log }, reply) => {
      const token = field(body, 'token')
      const bearer = { kind: 'password', password: field(body, 'password'), address: ip } as const
      const outcome = await verifyEmail(parts, token, bearer)
      log.info({ outcome: outcome.kind }, 'e-mail verification')
      switch (outcome.kind) {
        case 'verified':
          return sendPage(reply, 200, done.verified)
        case 'invalid':
          return sendPage(reply, 400, done.invalid)
        case 'bad-credentials':
          return sendPage(reply, 400, verificationForm(verifyPath, token, 'is not right'))
        case 'throttled':
        case 'busy':
          return sendLater(reply, outcome)
      }
    })
  })
}

function resetForm(action: string, token: string, fault: string | undefined): Page {
  return {
    title: 'Choose a new password',
    body: `${alertOf(fault)}<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="token" value="${escapeHtml(token)}">
<p><label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required autofocus></p>
<p><button>Set the password</button></p>
</form>`,
  }
}

function verificationForm(action: string, token: string, fault: string | undefined): Page {
  return {
    title: 'Confirm your e-mail address',
    body: `${alertOf(fault)}<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="token" value="${escapeHtml(token)}">
<p><label for="password">Password of your account</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus></p>
<p><button>Confirm</button></p>
</form>`,
  }
}

/** What is wrong with the password that was typed. */
function alertOf(fault: string | undefined): string {
  return fault === undefined ? '' : `<p role="alert">The password ${escapeHtml(fault)}.</p>`
}

const done = {
  reset: {
    title: 'The password is set',
    body: paragraph('Sign in with it. Everybody who was signed in is signed out.'),
  },
  verified: {
    title: 'The address is confirmed',
    body: paragraph('You can close this page.'),
  },
  invalid: {
    title: 'The link is not valid, or not any more',
    body: paragraph('Links work once and not for long. Ask for another one.'),
  },
  busy: { title: 'Too much to do at the moment', body: paragraph('Try again in a minute.') },
  throttled: { title: 'There were too many tries', body: paragraph('Try again later.') },
} as const satisfies Readonly<Record<string, Page>>

function sendLater(
  reply: FastifyReply,
  { kind, retryAfterSeconds }: Busy | Throttled,
): FastifyReply {
  reply.header('retry-after', retryAfterSeconds)
  return sendPage(reply, kind === 'busy' ? 503 : 429, done[kind])
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`
}

function tokenIn(query: unknown): string {
  return isJsonObject(query) && typeof query['token'] === 'string' ? query['token'] : ''
}

function field(body: unknown, name: string): string {
  const value: unknown = body instanceof Map ? body.get(name) : undefined
  return typeof value === 'string' ? value : ''
}
