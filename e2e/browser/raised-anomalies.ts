import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { bearer, postJson } from '../running-system.ts'
import type { RunningSystem } from '../running-system.ts'

/** An administrator beside the console, and those to whom something happens. */
export interface Scene {
  readonly signIn: (identifier: string) => Promise<string>
  readonly makeAccount: (identifier: string) => Promise<void>
  readonly makeClient: (name: string) => Promise<NewClient>
  readonly kid: (purpose: 'access-token' | 'feed', state: 'active' | 'pending') => Promise<string>
  /** The status of `GET /account` with this token, asked from an address of this machine. */
  readonly look: (token: string, from?: string) => Promise<number>
  /** The id of the anomaly that was found about this subject or evidence. */
  readonly found: (rule: string, isIt: (anomaly: Listed) => boolean) => Promise<string>
  /** Puts one there which takes days to come about. */
  readonly plant: (anomaly: Planted) => void
}

interface Listed {
  readonly id: string
  readonly subject: string
  readonly evidence: { readonly accounts?: readonly string[] }
}

interface Planted {
  readonly rule: string
  readonly about: string
  readonly subject: string
  readonly evidence?: object
}

interface NewClient {
  readonly id: string
  readonly secret: string
}

export const password = 'a password of nobody else'

export async function openScene(system: RunningSystem): Promise<Scene> {
  const { identity } = system.endpoints
  const signIn = async (identifier: string, secret = password): Promise<string> => {
    const asked = { identifier, password: secret, audience: identity }
    return textOf(await answerOf(await postJson(`${identity}/login`, asked)), 'access_token')
  }
  const admin = system.credentials.accounts.find(({ roles }) => roles.includes('identity-admin'))
  assert.ok(admin !== undefined)
  const authorization = bearer(await signIn(admin.identifier, admin.password))
  const post = async (path: string, members: object): Promise<Members> =>
    answerOf(await postJson(identity + path, members, authorization))
  const get = async (path: string): Promise<Members> =>
    answerOf(await fetch(identity + path, { headers: authorization }))
  return {
    signIn,
    makeAccount: async (identifier) => {
      const email = `${identifier}@mail.example`
      await post('/admin/accounts', { identifier, password, email, roles: [], reason: 'a test' })
    },
    makeClient: async (name) => {
      const made = await post('/admin/clients', { name, grants: ['client_credentials'] })
      return { id: textOf(made, 'client_id'), secret: textOf(made, 'client_secret') }
    },
    kid: async (purpose, state) => {
      const { keys } = (await get('/admin/keys')) as { readonly keys: readonly Members[] }
      const key = keys.find((one) => one['purpose'] === purpose && one['state'] === state)
      return textOf(key ?? {}, 'kid')
    },
    look: (token, from = '127.0.0.1') => statusFrom(`${identity}/account`, token, from),
    found: async (rule, isIt) => {
      const deadline = performance.now() + 15_000
      for (;;) {
        const answer = await get(`/admin/anomalies?rule=${rule}`)
        const { anomalies } = answer as { readonly anomalies: readonly Listed[] }
        const anomaly = anomalies.find(isIt)
        if (anomaly !== undefined) return anomaly.id
        assert.ok(performance.now() < deadline, `${rule} is not found`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
    plant: (anomaly) => plant(system, anomaly),
  }
}

type Members = Readonly<Record<string, unknown>>

async function answerOf(response: Response): Promise<Members> {
  const text = await response.text()
  assert.ok(response.ok, `${response.url} ${response.status}: ${text}`)
  return JSON.parse(text) as Members
}

function textOf(members: Members, name: string): string {
  const value = members[name]
  assert.ok(typeof value === 'string', name)
  return value
}

function statusFrom(url: string, token: string, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { headers: bearer(token), localAddress, family: 4 }
    request(url, options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

function plant({ folder }: RunningSystem, { rule, about, subject, evidence = {} }: Planted): void {
  // Identity may be writing at this moment.
  const database = new DatabaseSync(join(folder, '.portcullis', 'identity.db'), { timeout: 5000 })
  try {
    const at = Date.now()
    database
      .prepare(
        `INSERT INTO anomalies (rule, severity, about, subject, evidence, first_at, last_at, times)
         VALUES (?, 'warning', ?, ?, ?, ?, ?, 1)`,
      )
      .run(rule, about, subject, JSON.stringify(evidence), at, at)
  } finally {
    database.close()
  }
}
