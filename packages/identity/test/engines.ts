import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import process from 'node:process'
import { test } from 'node:test'
import { Client } from 'pg'
import { createTemporaryFolder } from './temporary-folder.ts'

/** A database that identity can keep its store in. */
export interface Engine {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** The address of an empty store, which is gone after the test. */
  readonly createStore: (t: TestContext) => Promise<string>
}

export const sqlite: Engine = {
  name: 'SQLite',
  createStore: async (t) => {
    const folder = createTemporaryFolder()
    t.after(folder.remove)
    return `sqlite:${join(folder.path, 'identity.db')}`
  },
}

/** `postgres://…` of a server on which databases may be made (`tools/run-tests.ts` starts one). */
const serverUrl = process.env['PORTCULLIS_TEST_POSTGRES']

const postgres: Engine = {
  name: 'PostgreSQL',
  createStore: async (t) => {
    const name = `portcullis_${randomBytes(8).toString('hex')}`
    // The other strategy takes twice as much work of the server, for the sake of its log.
    await askServer(`CREATE DATABASE ${name} TEMPLATE template0 STRATEGY file_copy`)
    t.after(() => askServer(`DROP DATABASE ${name} WITH (FORCE)`))
    const url = new URL(serverUrl ?? '')
    url.pathname = `/${name}`
    return url.href
  },
}

type Body = (t: TestContext, engine: Engine) => Promise<void>

/** The same test on every engine. */
export function testOnEngines(sentence: string, body: Body): void {
  test(`${sqlite.name}: ${sentence}`, (t) => body(t, sqlite))
  testOnPostgres(sentence, body)
}

/** On PostgreSQL alone. Without a server it is left out aloud. */
export function testOnPostgres(sentence: string, body: Body): void {
  const skip = serverUrl === undefined ? 'PORTCULLIS_TEST_POSTGRES names no server' : false
  test(`${postgres.name}: ${sentence}`, { skip }, (t) => body(t, postgres))
}

async function askServer(sql: string): Promise<void> {
  const client = new Client(serverUrl)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
