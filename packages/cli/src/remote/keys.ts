import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'

interface ListedKey {
  readonly purpose: string
  readonly algorithm: string
  readonly state: string
  readonly created_at: string
  readonly kid: string
}

/** Prints every key that is published, and those that were destroyed. */
export async function runKeysList(options: RemoteOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), ({ ask }) =>
    ask('GET', '/admin/keys'),
  )
  process.stdout.write(
    options.json === true ? `${JSON.stringify(answer)}\n` : tableOf(answer['keys']),
  )
}

/** Promotes the waiting keys. Refused, with the moment when it may, while they are too young. */
export async function runKeysRotate(options: RemoteOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), ({ ask }) =>
    ask('POST', '/admin/keys/rotate'),
  )
  process.stdout.write(
    options.json === true ? `${JSON.stringify(answer)}\n` : tableOf(answer['keys']),
  )
}

function tableOf(keys: unknown): string {
  const rows = (Array.isArray(keys) ? (keys as readonly ListedKey[]) : []).map((key) => [
    key.purpose,
    key.algorithm,
    key.state,
    key.created_at,
    key.kid,
  ])
  const table = [['PURPOSE', 'ALGORITHM', 'STATE', 'CREATED', 'KID'], ...rows]
  const widths = table[0]?.map((_title, at) =>
    Math.max(...table.map((row) => row[at]?.length ?? 0)),
  )
  return table
    .map((row) => row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
