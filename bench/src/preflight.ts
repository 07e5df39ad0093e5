import type { TokenRecipe } from '@portcullis/verify/testing'
import type { Issuer } from './issuer.ts'
import type { Verify } from './peers.ts'

interface Forgery {
  readonly what: string
  readonly recipe: TokenRecipe
  /** Whoever accepts it does not verify tokens, and is not measured. */
  readonly isFatal: boolean
}

/** What is overlooked goes into the notes, so that who checks less is not simply called faster. */
const forgeries: readonly Forgery[] = [
  { what: 'a wrong signature', recipe: { signature: 'flipped-bit' }, isFatal: true },
  {
    what: 'an expired token',
    recipe: { payload: { set: { exp: { fromNow: -60 } } } },
    isFatal: true,
  },
  {
    what: 'another issuer',
    recipe: { payload: { set: { iss: 'https://id.example' } } },
    isFatal: true,
  },
  { what: 'another audience', recipe: { payload: { set: { aud: 'reviews' } } }, isFatal: true },
  { what: 'another typ', recipe: { header: { set: { typ: 'JWT' } } }, isFatal: false },
  { what: 'no jti', recipe: { payload: { remove: ['jti'] } }, isFatal: false },
  { what: 'a claim twice', recipe: { payload: { text: '{"sub":"x",<members>}' } }, isFatal: false },
]

/** Throws when a contestant refuses a good token or accepts a bad one, and tells what it overlooks. */
export async function overlooked(
  name: string,
  { verify }: Pick<Verify, 'verify'>,
  issuer: Issuer,
): Promise<readonly string[]> {
  const [good = ''] = await issuer.mint(1)
  if (!(await accepts(verify, good))) throw new Error(`${name} refuses a good token`)
  const tokens = await issuer.forge(forgeries.map(({ recipe }) => recipe))
  const accepted: string[] = []
  for (const [at, { what, isFatal }] of forgeries.entries()) {
    if (!(await accepts(verify, tokens[at] ?? ''))) continue
    if (isFatal) throw new Error(`${name} accepts ${what}`)
    accepted.push(what)
  }
  return accepted
}

async function accepts(verify: Verify['verify'], token: string): Promise<boolean> {
  try {
    await verify(token)
    return true
  } catch {
    return false
  }
}
