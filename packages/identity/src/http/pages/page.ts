import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Markup } from './markup.ts'
import { markup, trustedMarkup } from './markup.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'

export interface Page {
  readonly title: string
  /** What stands on the page itself, where that is not its title. */
  readonly heading?: string
  readonly body: Markup
  /** Below the sheet: where else one may go. */
  readonly links?: Markup
  readonly isWide?: boolean
  /** An address of ours that the page leads to by itself. */
  readonly goesTo?: string
  /** Rules for what only this page has. */
  readonly style?: string
}

export interface PageOptions {
  /** Whose page it is. People are shown its host, so that they know where they type a password. */
  readonly issuer: string
  readonly language: string
  /** Origins that a form may end at beside our own: browsers hold a redirect against the policy as well. */
  readonly formOrigins?: readonly string[]
  /** Whether the address of the page holds a secret, as links from mails do. */
  readonly hasSecretAddress?: boolean
}

/** Sends a page for people, which works without its script. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  page: Page,
  options: PageOptions,
): FastifyReply {
  const rules = pageStyle + (page.style ?? '')
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicyFor(rules, options),
      // Not `no-referrer` where a form counts by its origin: browsers would call that `null` (WHATWG Fetch section 3.2).
      'referrer-policy': options.hasSecretAddress === true ? 'no-referrer' : 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    .send(documentOf(page, rules, options).toString())
}

/** A portcullis, half down. */
const markPath =
  'M3.5 21.5V10.5a8.5 8.5 0 0 1 17 0v11M8 3.2v15.3M12 2.2v17.8M16 3.2v15.3M3.8 9.2h16.4M3.8 14.2h16.4'
const strokes = markup`fill="none" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"`
const mark = markup`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="${markPath}" stroke="currentColor" ${strokes}/></svg>`
const drawing = markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="${markPath}" stroke="#5b86c9" ${strokes}/></svg>`
const icon = `data:image/svg+xml,${encodeURIComponent(drawing.toString())}`

function documentOf(
  { title, heading = title, body, links, isWide = false, goesTo }: Page,
  rules: string,
  { issuer, language }: PageOptions,
): Markup {
  const { host, pathname } = new URL(issuer)
  const place = pathname === '/' ? host : `${host}${pathname}`
  const nav = links && markup`<nav>${links}</nav>`
  return markup`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title} · ${place}</title>
<link rel="icon" href="${icon}">${goesTo && markup`<meta http-equiv="refresh" content="0;url=${goesTo}">`}
<style>${trustedMarkup(rules)}</style>
</head>
<body${isWide ? markup` class="wide"` : undefined}>
<div class="column">
<header class="brand">${mark}<p><strong>Portcullis</strong> <span>${place}</span></p></header>
<main>
<h1>${heading}</h1>
${body}
</main>
${nav}
</div>
<script type="module">${trustedMarkup(pageScript)}</script>
</body>
</html>
`
}

/**
 * ASVS 3.4.3. Our one style and our one script by their hashes, nothing that is fetched, and forms that can be
 * sent nowhere else.
 */
function contentSecurityPolicyFor(rules: string, { formOrigins = [] }: PageOptions): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(rules)}'`,
    `script-src '${hashOf(pageScript)}'`,
    'img-src data:',
    `form-action ${["'self'", ...formOrigins].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

const hashes = new Map<string, string>()

/** There are two styles and one script in all. */
function hashOf(text: string): string {
  const known = hashes.get(text)
  if (known !== undefined) return known
  const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`
  hashes.set(text, hash)
  return hash
}
