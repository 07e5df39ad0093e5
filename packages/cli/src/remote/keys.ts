import type { Members } from './administration.ts'
import { asAdministrator, printable } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'

/** Prints every key that is published, and those that were destroyed. */
export async function runKeysList(options: RemoteOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), ({ ask }) =>
    ask('GET', '/admin/keys'),
  )
  print(options, answer)
}

export interface RotateOptions extends RemoteOptions {
  readonly purpose?: string
  readonly algorithm?: string
}

/** Promotes the waiting keys. Refused, with the moment when it may, while they are too young. */
export async function runKeysRotate(options: RotateOptions): Promise<void> {
  const { purpose, algorithm } = options
  const answer = await asAdministrator(readAdministrator(options), ({ ask }) =>
    ask('POST', '/admin/keys/rotate', { purpose, algorithm }),
  )
  print(options, answer)
}

function print({ json }: RemoteOptions, answer: Members): void {
  process.stdout.write(json === true ? `${JSON.stringify(answer)}\n` : tableOf(answer['keys']))
}

const columns = ['purpose', 'algorithm', 'state', 'created_at', 'kid'] as const

function textOf(value: unknown): string {
  return typeof value === 'string' ? printable(value) : ''
}

function tableOf(keys: unknown): string {
  const rows = (Array.isArray(keys) ? (keys as readonly Members[]) : []).map((key) =>
    columns.map((column) => textOf(key[column])),
  )
  const table = [columns.map((column) => column.toUpperCase()), ...rows]
  const widths = table[0]?.map((_title, at) =>
    Math.max(...table.map((row) => row[at]?.length ?? 0)),
  )
  return table
    .map((row) => row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
