import { issuerMetadataUrl, parseIssuer, parseJsonObject } from '@portcullis/protocol'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import { wholeBodyOf } from '../whole-body.ts'

const patienceMs = 5000

/** Somebody has answered who would not sign anybody in: undefined when it is the issuer all the same. */
export async function whyNotIssuer(issuer: string): Promise<CommandError | undefined> {
  const name = await nameOfIssuerAt(issuer)
  if (name === issuer) return undefined
  if (name !== undefined) {
    const message = `the issuer at ${issuer} is called ${printable(name)}`
    return new CommandError(1, message, `Write --issuer ${printable(name)}.`)
  }
  const remedy =
    'Write --issuer as identity has it in its settings; a gateway or a service is none.'
  return new CommandError(1, `${issuer} is no issuer`, remedy)
}

/** As its metadata says (RFC 8414 section 3); undefined when there are none. */
async function nameOfIssuerAt(url: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(patienceMs)
    const response = await fetch(issuerMetadataUrl(url), { redirect: 'error', signal })
    const parsed = parseJsonObject((await wholeBodyOf(response)) ?? '', { depthMax: 16 })
    const name = parsed.kind === 'object' ? parsed.value['issuer'] : undefined
    return typeof name === 'string' && parseIssuer(name).kind === 'issuer' ? name : undefined
  } catch {
    return undefined
  }
}
