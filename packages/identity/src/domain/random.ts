/** `count` bytes from a cryptographically strong source. */
export type RandomBytes = (count: number) => Uint8Array

const identifierBytes = 16
const secretBytes = 32

/** 128 random bits, base64url, 22 characters: ids of accounts, clients, sessions and tokens. */
export function randomIdentifier(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(identifierBytes)).toString('base64url')
}

/** 256 random bits, base64url, 43 characters: generated passwords, secrets of clients, seeds of sessions and tokens of links. */
export function randomSecret(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(secretBytes)).toString('base64url')
}
