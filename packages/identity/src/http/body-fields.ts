/*
 * Members that several bodies have. These bounds only keep out what nobody can mean; what a password or an
 * identifier may be is the domain's to say, which counts code points after normalising, where a schema cannot.
 */

/** 256 code points, whatever they become under NFKC. */
export const passwordText = { type: 'string', minLength: 1, maxLength: 1024 } as const

/** A mailbox of 64 octets, an @ and a domain of 255 (RFC 5321 section 4.5.3.1). */
export const identifierText = { type: 'string', minLength: 1, maxLength: 320 } as const

export const emailText = { type: 'string', minLength: 1, maxLength: 320 } as const

export const reasonText = { type: 'string', minLength: 1, maxLength: 500 } as const

export const roleNames = {
  type: 'array',
  maxItems: 64,
  uniqueItems: true,
  items: { type: 'string', minLength: 1, maxLength: 64 },
} as const

/** Of routes about one account. */
export const accountPath = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string' } },
} as const

/** A decision that needs nothing but the reason for it. */
export const decisionBody = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: { reason: { type: 'string', minLength: 1, maxLength: 500 } },
} as const
