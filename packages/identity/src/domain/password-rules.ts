import type { PasswordFault } from './account-faults.ts'
import { foldCase } from './case-folding.ts'
import type { NormalisedPassword } from './passwords.ts'

/** What this installation refuses beside what is too short or too long. */
export interface PasswordRules {
  /** Whether attackers try it first (ASVS 6.2.4). Asked with the text as `foldCase` leaves it. */
  readonly isCommon: (folded: string) => Promise<boolean>
  /** Names of the product and its place, as `foldCase` leaves them (ASVS 6.1.2). */
  readonly contextWords: readonly string[]
  readonly isBreached: IsBreached
}

/** Whether a password was seen in a breach (ASVS 6.2.12); `unknown` when nobody could be asked. */
export type IsBreached = (password: NormalisedPassword) => Promise<boolean | 'unknown'>

/**
 * ASVS 6.2.1. NIST SP 800-63B-4 asks for 15 where the password is the only factor; that is left to the
 * operator's advice, because no rule that people defeat with a longer pattern makes them safer.
 */
export const passwordCodePointsMin = 8
const codePointsMax = 256

/**
 * What is wrong with a new password; undefined when it will do. Nothing is cut off, ever, and no kinds of
 * characters are asked for (ASVS 6.2.5, 6.2.8). A password that could not be looked up is taken.
 */
export async function newPasswordFault(
  rules: PasswordRules,
  password: NormalisedPassword,
  identifier: string,
): Promise<PasswordFault | undefined> {
  const codePoints = countCodePoints(password)
  if (codePoints < passwordCodePointsMin) {
    return { why: 'password-too-short', charactersMin: passwordCodePointsMin }
  }
  if (codePoints > codePointsMax) {
    return { why: 'password-too-long', charactersMax: codePointsMax }
  }
  const folded = foldCase(password)
  if (await rules.isCommon(folded)) return { why: 'password-common' }
  if (leansOn(folded, wordsOfIdentifier(identifier))) {
    return { why: 'password-like-identifier' }
  }
  if (leansOn(folded, rules.contextWords)) return { why: 'password-like-service' }
  if ((await rules.isBreached(password)) === true) return { why: 'password-breached' }
  return undefined
}

/**
 * With this much left beside the words, they no longer matter. It keeps random passwords of 43 characters
 * from being refused for what chance has spelt in them.
 */
const independentCodePoints = 32

function leansOn(password: string, words: readonly string[]): boolean {
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), password)
  return rest !== password && countCodePoints(rest) < independentCodePoints
}

/** Shorter ones are in too many other words. */
const identifierCodePointsMin = 3
export const wordCodePointsMin = 4

/** The identifier, and what stands before its @ when it looks like an e-mail address. */
function wordsOfIdentifier(identifier: string): readonly string[] {
  const whole = foldCase(identifier)
  const at = whole.lastIndexOf('@')
  const localPart = at < 0 ? '' : whole.slice(0, at)
  return [
    ...(countCodePoints(whole) < identifierCodePointsMin ? [] : [whole]),
    ...(countCodePoints(localPart) < wordCodePointsMin ? [] : [localPart]),
  ]
}

/** Code points, as NIST SP 800-63B counts characters. */
export function countCodePoints(text: string): number {
  return Array.from(text).length
}
