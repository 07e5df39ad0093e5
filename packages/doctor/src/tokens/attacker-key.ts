import { Buffer } from 'node:buffer'
import type { Forge } from '../attacks/token-attacks.ts'

/** The key that recipes call the stranger's, as the attacker would publish it. */
export function attackerKeyFrom(forge: Forge): object {
  const token = forge({ payload: { text: '<strangerjwk>' }, signature: 'empty' })
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object
}
