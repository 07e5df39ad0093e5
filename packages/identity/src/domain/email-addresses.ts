import type { EmailFault } from './account-faults.ts'

export type ParsedEmailAddress =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'malformed'; readonly fault: EmailFault }

/** RFC 5321 section 4.5.3.1. */
const localCharactersMax = 64
const addressCharactersMax = 254

/** RFC 5322 section 3.2.3, and nothing quoted: no address in use needs quotes. */
const localPart = /^[a-z\d!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z\d!#$%&'*+/=?^_`{|}~-]+)*$/
/** Host names (RFC 1123 section 2.1); address literals in brackets are for machines. */
const domainName = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/

/**
 * Reads an e-mail address and normalises it: lower case, the domain as DNS has it (`xn--…`). Local parts
 * outside ASCII are refused: letters that look alike, or fold to one another, would send somebody's link
 * to somebody else. Nothing that passes can end a header or start a second address (ASVS 1.3.11).
 */
export function parseEmailAddress(text: string): ParsedEmailAddress {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at).toLowerCase()
  if (at < 1 || !/^[\u0021-\u007e]+$/.test(text.slice(0, at)) || !localPart.test(local)) {
    return malformed({ why: 'email-malformed' })
  }
  const domain = domainOf(text.slice(at + 1))
  if (domain === undefined) return malformed({ why: 'email-without-domain' })
  const address = `${local}@${domain}`
  if (local.length > localCharactersMax || address.length > addressCharactersMax) {
    return malformed({ why: 'email-too-long', charactersMax: addressCharactersMax })
  }
  return { kind: 'address', address }
}

/** By the URL parser, which has the tables of UTS #46; it also reads what is no name, so that is checked. */
function domainOf(text: string): string | undefined {
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(text)) return undefined
  const name = URL.parse(`http://${text}`)?.hostname
  // A name whose last label is a number is read as an IPv4 address.
  const isName = name !== undefined && domainName.test(name) && !/(?:^|\.)\d+$/.test(name)
  return isName ? name : undefined
}

function malformed(fault: EmailFault): ParsedEmailAddress {
  return { kind: 'malformed', fault }
}
