import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

export interface Page {
  readonly title: string
  /** HTML, with everything that comes from outside escaped. */
  readonly body: string
  /** Rules for what only this page has. */
  readonly style?: string
}

const usualStyle =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}' +
  'label{display:block}input,button{font:inherit;padding:.5rem}input{width:100%;box-sizing:border-box}'

/** Sends a page for people, which needs no script and may have none. */
export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  const { title, body, style = '' } = page
  const rules = usualStyle + style
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicyFor(rules),
      // The address of a page may hold a token.
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    .send(
      `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${rules}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`,
    )
}

/** ASVS 3.4.3. No script at all, and a form that can be sent nowhere else. */
function contentSecurityPolicyFor(style: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
