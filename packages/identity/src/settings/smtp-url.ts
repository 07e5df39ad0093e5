import { isLoopback } from './loopback.ts'

/** Where mail is handed over. */
export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** `implicit`: TLS from the first byte. `starttls`: asked for, and without it nothing is sent. */
  readonly security: 'implicit' | 'starttls' | 'none'
  readonly credential?: { readonly user: string; readonly password: string }
}

export type ParsedSmtpUrl =
  | { readonly kind: 'server'; readonly server: SmtpServer }
  | { readonly kind: 'malformed'; readonly why: string }

/** RFC 8314: submission with TLS from the start, and by STARTTLS. */
const defaultPorts = { 'smtps:': 465, 'smtp:': 587 } as const

/**
 * Reads `smtps://user:password@host:port` or `smtp://…`. Without TLS only on loopback, or where that is said
 * by name: a link in a mail is a credential. Nothing else can be said here, such as options of a library.
 */
export function parseSmtpUrl(text: string, dangerouslyPlainSmtp: boolean): ParsedSmtpUrl {
  const url = URL.parse(text)
  const protocol = url?.protocol
  if (url === null || (protocol !== 'smtp:' && protocol !== 'smtps:') || url.hostname === '') {
    return malformed('is not smtps://host or smtp://host')
  }
  if (!['', '/'].includes(url.pathname) || /[?#]/.test(text)) {
    return malformed('must end behind the host and the port')
  }
  const user = decoded(url.username)
  const password = decoded(url.password)
  if (user === undefined || password === undefined) return malformed('is not percent-encoded well')
  if ((user === '') !== (password === '')) return malformed('has only half of a credential')
  const isPlain = isLoopback(url.hostname) || dangerouslyPlainSmtp
  const starttls = isPlain ? 'none' : 'starttls'
  return {
    kind: 'server',
    server: {
      host: url.hostname.replaceAll(/[[\]]/g, ''),
      port: url.port === '' ? defaultPorts[protocol] : Number(url.port),
      security: protocol === 'smtps:' ? 'implicit' : starttls,
      ...(user === '' ? {} : { credential: { user, password } }),
    },
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function malformed(why: string): ParsedSmtpUrl {
  return { kind: 'malformed', why }
}
