import { bootstrap, newRandomSecret } from '../src/bootstrap.ts'

/** What a process of `bootstrap.test.ts` is told: to fill this store, at the same moment as the others. */
export interface FillOrder {
  readonly database: string
  readonly identifiers: readonly string[]
  /** Milliseconds since 1970. */
  readonly startsAtMs: number
}

process.on('message', ({ database, identifiers, startsAtMs }: FillOrder) => {
  const password = newRandomSecret()
  const accounts = identifiers.map((identifier) => ({ identifier, password, roles: [] }))
  while (Date.now() < startsAtMs);
  bootstrap({ database, accounts, clients: [] }).then(
    ({ kind }) => process.send?.(kind),
    (error: unknown) => process.send?.(String(error)),
  )
})
process.send?.('waiting')
