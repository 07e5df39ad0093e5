import { createHash } from 'node:crypto'
import { isJsonObject } from '@portcullis/protocol'
import type { FastifyError, FastifyReply } from 'fastify'
import { verifyEmail } from '../domain/email-verification.ts'
import type { Throttled } from '../domain/login-protection.ts'
import type { Busy } from '../domain/passwords.ts'
import type { LinkRouteParts } from './account-links.ts'
import { confirmReset, factsOfReset } from './account-links.ts'
import { acceptForms } from './bodies.ts'
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

interface Page {
  readonly title: string
  /** HTML, with everything that comes from outside escaped. */
  readonly body: string
}

function resetForm(action: string, token: string, fault: string | undefined): Page {
  return {
    title: 'Choose a new password',
    body: `${alertOf(fault)}<form method="post" action="${escape(action)}">
<input type="hidden" name="token" value="${escape(token)}">
<p><label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required autofocus></p>
<p><button>Set the password</button></p>
</form>`,
  }
}

function verificationForm(action: string, token: string, fault: string | undefined): Page {
  return {
    title: 'Confirm your e-mail address',
    body: `${alertOf(fault)}<form method="post" action="${escape(action)}">
<input type="hidden" name="token" value="${escape(token)}">
<p><label for="password">Password of your account</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus></p>
<p><button>Confirm</button></p>
</form>`,
  }
}

/** What is wrong with the password that was typed. */
function alertOf(fault: string | undefined): string {
  return fault === undefined ? '' : `<p role="alert">The password ${escape(fault)}.</p>`
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

const style =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}' +
  'label{display:block}input,button{font:inherit;padding:.5rem}input{width:100%;box-sizing:border-box}'

/** ASVS 3.4.3. No script at all, and a form that can be sent nowhere else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

function sendLater(
  reply: FastifyReply,
  { kind, retryAfterSeconds }: Busy | Throttled,
): FastifyReply {
  reply.header('retry-after', retryAfterSeconds)
  return sendPage(reply, kind === 'busy' ? 503 : 429, done[kind])
}

function sendPage(reply: FastifyReply, status: number, { title, body }: Page): FastifyReply {
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      // The address of this page holds the token.
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    .send(
      `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`,
    )
}

function paragraph(text: string): string {
  return `<p>${escape(text)}</p>`
}

function tokenIn(query: unknown): string {
  return isJsonObject(query) && typeof query['token'] === 'string' ? query['token'] : ''
}

function field(body: unknown, name: string): string {
  const value: unknown = body instanceof Map ? body.get(name) : undefined
  return typeof value === 'string' ? value : ''
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
