import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'

export interface EndAllOptions extends RemoteOptions {
  readonly reason: string
}

/** Signs everybody out, the administrator who asks as well. */
export async function runEndAll(options: EndAllOptions): Promise<void> {
  const administrator = readAdministrator(options)
  const { issuer } = administrator
  const answer = await asAdministrator(administrator, ({ ask }) =>
    ask('POST', '/admin/sessions/end-all', { issuer, reason: options.reason }),
  )
  const sentence = 'every session has ended; everybody signs in again'
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${sentence}\n`)
}
