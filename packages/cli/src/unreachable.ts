import { CommandError } from './command-error.ts'
import { printable } from './printable.ts'

interface Trouble {
  readonly what: string
  readonly remedy: string
}

const untrusted: Trouble = {
  what: 'its certificate is of an authority that this machine does not trust',
  remedy: 'Name the PEM file of that authority in NODE_EXTRA_CA_CERTS.',
}
const otherName: Trouble = {
  what: 'its certificate is for another name',
  remedy: 'Write the URL as its certificate and its settings have it.',
}
const notInTime: Trouble = {
  what: 'its certificate is not valid at this time',
  remedy: 'Renew the certificate, or set the clock of this machine.',
}
const noTls: Trouble = {
  what: 'what answers there does not speak TLS as it should',
  remedy: 'Check whether it is https or http, and the port.',
}

/** By the codes of Node and of OpenSSL. */
const troubles: ReadonlyMap<string, Trouble> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', untrusted],
  ['SELF_SIGNED_CERT_IN_CHAIN', untrusted],
  ['UNABLE_TO_GET_ISSUER_CERT', untrusted],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', untrusted],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted],
  ['ERR_TLS_CERT_ALTNAME_INVALID', otherName],
  ['CERT_HAS_EXPIRED', notInTime],
  ['CERT_NOT_YET_VALID', notInTime],
  ['ERR_SSL_WRONG_VERSION_NUMBER', noTls],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', noTls],
])

/** Nobody has answered, and what `fetch` has thrown says why. */
export function unreachable(url: string, error: unknown): CommandError {
  const code = codeOf(error)
  const trouble = code === undefined ? undefined : troubles.get(code)
  const said = [trouble?.what, code && (trouble === undefined ? code : `(${code})`)]
  const why = said.filter((part) => part !== undefined).join(' ')
  const remedy = trouble?.remedy ?? 'Check --issuer, and that identity runs (npm start).'
  const where = `${printable(url)} cannot be reached`
  return new CommandError(3, why === '' ? where : `${where}: ${why}`, remedy)
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,40}$/.test(code) ? code : undefined
}
