import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createApp } from '../src/app.ts'
import type { Order } from '../src/order-book.ts'
import { openOrderBook } from '../src/order-book.ts'

/** The service on a real socket, with a real issuer whose tokens the test chooses. */
export interface RunningOrders {
  readonly issuer: TestIssuer
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly ask: (question: Question) => Promise<Answer>
  /** Orders something as this caller, and answers the order. */
  readonly order: (token: string, item: string) => Promise<Order>
}

export interface Question {
  readonly method?: string
  readonly path: string
  readonly token?: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, in place of `json`. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-orders-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  return folder
}

export async function startOrders(t: TestContext, databasePath?: string): Promise<RunningOrders> {
  const path = databasePath ?? join(temporaryFolder(t), 'orders.db')
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  const orders = openOrderBook(path)
  const app = createApp(verifier, orders)
  t.after(async () => {
    await app.close()
    await verifier.close()
    await issuer.close()
    orders.close()
  })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const askHere = (question: Question): Promise<Answer> => ask(origin, question)
  return {
    issuer,
    origin,
    ask: askHere,
    order: async (token, item) => {
      const json = { item, quantity: 1 }
      const { status, body } = await askHere({ method: 'POST', path: '/orders', token, json })
      assert.equal(status, 201)
      return body as Order
    },
  }
}

async function ask(origin: string, question: Question): Promise<Answer> {
  const { method = 'GET', path, token, json, text, headers = {} } = question
  const body = text ?? (json === undefined ? undefined : JSON.stringify(json))
  const answer = await fetch(`${origin}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}
