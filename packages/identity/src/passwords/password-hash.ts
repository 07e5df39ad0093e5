import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { verify as verifyArgon2 } from '@node-rs/argon2'
import type { HashCost } from '../domain/hash-cost.ts'
import { hashCostMax, isWithin } from '../domain/hash-cost.ts'

/** A stored hash that can be checked, ours or of another system. */
export interface PasswordHash {
  /** Of an argon2id hash of the present version; all other kinds are there to be replaced. */
  readonly argon2idCost: HashCost | undefined
  readonly matches: (password: string) => Promise<boolean>
}

export type ParsedPasswordHash =
  | { readonly kind: 'password-hash'; readonly hash: PasswordHash }
  | { readonly kind: 'faulty'; readonly why: PasswordHashFault }

export type PasswordHashFault =
  /** Of none of the kinds that are known here. */
  | 'unknown-format'
  /** Parts are missing, out of range or not in their encoding. */
  | 'damaged'
  /** It would take more work or memory than any system has a reason to ask for. */
  | 'too-costly'

/**
 * Reads a stored hash without checking anything against it: argon2, scrypt and PBKDF2 as PHC strings, bcrypt
 * as crypt(3) has it, PBKDF2 as passlib and Django write it. What can be read takes two seconds at most on a
 * 2026 core, so that a hostile import cannot stop the queue.
 */
export function parsePasswordHash(text: string): ParsedPasswordHash {
  const format = formats.find(({ prefix }) => prefix.test(text))
  if (format === undefined) return faulty('unknown-format')
  const found = text.length > charactersMax ? null : format.form.exec(text)
  if (found === null) return faulty('damaged')
  const read = format.read(new Map(Object.entries(found.groups ?? {})), text)
  return typeof read === 'string' ? faulty(read) : { kind: 'password-hash', hash: read }
}

const faultTexts: Readonly<Record<PasswordHashFault, string>> = {
  'unknown-format': 'is of no kind that is known here',
  damaged: 'is damaged',
  'too-costly': 'is too costly: one login would keep others waiting',
}

/** Why a hash cannot be taken over, in words that fit behind its name; undefined when it can. */
export function passwordHashFault(text: string): string | undefined {
  const parsed = parsePasswordHash(text)
  return parsed.kind === 'faulty' ? faultTexts[parsed.why] : undefined
}

function faulty(why: PasswordHashFault): ParsedPasswordHash {
  return { kind: 'faulty', why }
}

const charactersMax = 512

interface Format {
  /** Whatever begins so means to be of this format. */
  readonly prefix: RegExp
  readonly form: RegExp
  readonly read: (parts: Parts, text: string) => PasswordHash | PasswordHashFault
}

/** Parts of the form, by their names; one that is optional and absent has no text. */
type Parts = ReadonlyMap<string, string | undefined>

const formats: readonly Format[] = [
  {
    prefix: /^\$argon2(?:id|i|d)\$/,
    form: /^\$argon2(?<type>id|i|d)\$(?:v=(?<version>16|19)\$)?m=(?<memory>\d+),t=(?<passes>\d+),p=(?<lanes>\d+)\$(?<salt>[A-Za-z0-9+/]+)\$(?<digest>[A-Za-z0-9+/]+)$/,
    read: readArgon2,
  },
  {
    prefix: /^\$2[aby]\$/,
    // Salt and digest each end in a character with unused bits, which must be 0: others match nothing.
    form: /^\$2[aby]\$(?<cost>0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/,
    read: readBcrypt,
  },
  {
    prefix: /^\$scrypt\$/,
    form: /^\$scrypt\$ln=(?<log>\d+),r=(?<blocks>\d+),p=(?<lanes>\d+)\$(?<salt>[^$]+)\$(?<digest>[^$]+)$/,
    read: readScrypt,
  },
  {
    prefix: /^\$pbkdf2(?:-sha\d+)?\$/,
    form: /^\$pbkdf2(?:-(?<hash>sha1|sha256|sha512))?\$(?:i=(?<named>\d+)(?:,l=\d+)?|(?<bare>\d+))\$(?<salt>[^$]+)\$(?<digest>[^$]+)$/,
    read: (parts) => {
      const iterations = parts.get('named') ?? parts.get('bare')
      return readPbkdf2(parts, iterations, bytesOf(parts, 'salt'))
    },
  },
  {
    prefix: /^pbkdf2_sha\d+\$/,
    form: /^pbkdf2_(?<hash>sha1|sha256|sha512)\$(?<iterations>\d+)\$(?<salt>[^$]+)\$(?<digest>[^$]+)$/,
    // Django's salt is the text itself.
    read: (parts) =>
      readPbkdf2(parts, parts.get('iterations'), Buffer.from(parts.get('salt') ?? '')),
  },
]

/** What an argon2 implementation takes (RFC 9106, section 3.1), and what makes a digest one. */
const saltBytes = { min: 8, max: 64 }
const digestBytes = { min: 16, max: 64 }

function readArgon2(parts: Parts, text: string): PasswordHash | PasswordHashFault {
  const cost: HashCost = {
    memoryKib: numberOf(parts.get('memory')),
    passes: numberOf(parts.get('passes')),
    lanes: numberOf(parts.get('lanes')),
  }
  const { memoryKib, passes, lanes } = cost
  if (!isBytes(bytesOf(parts, 'salt'), saltBytes)) return 'damaged'
  if (!isBytes(bytesOf(parts, 'digest'), digestBytes)) return 'damaged'
  if (passes < 1 || lanes < 1 || memoryKib < 8 * lanes) return 'damaged'
  if (!isWithin(cost, hashCostMax)) return 'too-costly'
  const isPresent = parts.get('type') === 'id' && parts.get('version') === '19'
  return {
    argon2idCost: isPresent ? cost : undefined,
    matches: (password) => verifyArgon2(text, password),
  }
}

/** Each step doubles the work: this one takes about a second. */
const bcryptCostMax = 14

/** Of a password's UTF-8 octets, bcrypt looks at the first 72, and so does every implementation of it. */
function readBcrypt(parts: Parts, text: string): PasswordHash | PasswordHashFault {
  if (Number(parts.get('cost')) > bcryptCostMax) return 'too-costly'
  return {
    argon2idCost: undefined,
    matches: async (password) => {
      // Most stores have no such hash, and need not load it.
      const bcrypt = await import('@node-rs/bcrypt')
      return bcrypt.verify(password, text)
    },
  }
}

/** N · r · p; twice what OWASP asks for. With r = 8, N = 2^17 takes half a second and 128 MiB. */
const scryptWorkMax = 2 ** 21
const scryptMemoryBytesMax = 256 * 1024 * 1024
/** Each costs a PBKDF2 over its blocks as well, which is not in N · r · p. */
const scryptLanesMax = 64

function readScrypt(parts: Parts): PasswordHash | PasswordHashFault {
  const blockSize = numberOf(parts.get('blocks'))
  const parallelization = numberOf(parts.get('lanes'))
  const log = numberOf(parts.get('log'))
  const salt = bytesOf(parts, 'salt')
  const digest = bytesOf(parts, 'digest')
  if (!isBytes(salt, saltBytes) || !isBytes(digest, digestBytes)) return 'damaged'
  if (log < 1 || blockSize < 1 || parallelization < 1) return 'damaged'
  const cost = 2 ** log
  const memoryBytes = 128 * cost * blockSize
  if (memoryBytes > scryptMemoryBytesMax) return 'too-costly'
  if (cost * blockSize * parallelization > scryptWorkMax) return 'too-costly'
  if (parallelization > scryptLanesMax) return 'too-costly'
  // RFC 7914, section 6: N is below 2^(128 · r / 8), and OpenSSL takes no other.
  if (log >= 16 * blockSize) return 'damaged'
  // OpenSSL counts a little more than the formula says.
  const options = { cost, blockSize, parallelization, maxmem: 2 * scryptMemoryBytesMax }
  return {
    argon2idCost: undefined,
    matches: async (password) =>
      timingSafeEqual(await deriveScrypt(password, salt, digest.length, options), digest),
  }
}

/** OWASP asks for 600,000 with SHA-256; Django 6 makes 1,200,000. */
const pbkdf2IterationsMax = 3_000_000
const hashBytes: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
])

function readPbkdf2(
  parts: Parts,
  iterationsText: string | undefined,
  salt: Buffer | undefined,
): PasswordHash | PasswordHashFault {
  const hash = parts.get('hash') ?? 'sha1'
  const iterations = numberOf(iterationsText)
  const digest = bytesOf(parts, 'digest')
  if (!isBytes(salt, saltBytes) || !isBytes(digest, digestBytes)) return 'damaged'
  if (iterations < 1) return 'damaged'
  // RFC 8018, section 5.2: each block of the digest takes all iterations.
  const blocks = Math.ceil(digest.length / (hashBytes.get(hash) ?? 1))
  if (iterations * blocks > pbkdf2IterationsMax) return 'too-costly'
  return {
    argon2idCost: undefined,
    matches: async (password) =>
      timingSafeEqual(await derivePbkdf2(password, salt, iterations, digest.length, hash), digest),
  }
}

const derivePbkdf2 = promisify(pbkdf2)
const deriveScrypt = promisify<
  string,
  Buffer,
  number,
  { cost: number; blockSize: number; parallelization: number; maxmem: number },
  Buffer
>(scrypt)

/** 0, which no parameter may be, for what is no decimal number or has leading zeros. */
function numberOf(text: string | undefined): number {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
}

/** Base64 as PHC strings (no padding), passlib (`.` for `+`) and Django (padding) have it. */
function bytesOf(parts: Parts, name: string): Buffer | undefined {
  const text = (parts.get(name) ?? '').replace(/={0,2}$/, '').replaceAll('.', '+')
  const bytes = Buffer.from(text, 'base64')
  // Node skips what is not in the alphabet; encoded again it would not be the same.
  return bytes.toString('base64').replace(/=+$/, '') === text ? bytes : undefined
}

function isBytes(
  bytes: Buffer | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): bytes is Buffer {
  return bytes !== undefined && bytes.length >= min && bytes.length <= max
}
