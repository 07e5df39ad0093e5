import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../tools/free-port.ts'
import type { ServedAlgorithm } from './identity-server.ts'
import type { StorageName } from './oidc-provider-adapters.ts'
import type { RefreshDialect } from './refreshing.ts'
import type { ServerProcess } from './server-process.ts'
import { startServer } from './server-process.ts'

export const peerAudience = 'https://orders.example'
export const machine = { clientId: 'machine', clientSecret: 'a-secret-of-the-benchmark-alone' }
export const tokensName = 'refresh-tokens'

export const peerRefresh: RefreshDialect = {
  jwksPath: '/jwks',
  audience: peerAudience,
  // Its refresh tokens are random: that the old one is refused now is for its authors to test.
  isSuccessor: (next, before) => next !== before,
}

export interface Peer {
  readonly server: ServerProcess
  readonly issuer: string
  readonly refreshTokens: readonly string[]
  readonly end: () => Promise<void>
}

const program = fileURLToPath(new URL('oidc-provider-process.ts', import.meta.url))

export async function startPeer(
  algorithm: ServedAlgorithm,
  storage: StorageName,
  sessions: number,
): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const port = await freePort()
  const server = await startServer({
    parameters: [program, algorithm, storage, String(port), String(sessions)],
    folder,
    port,
    readyUrl: `http://127.0.0.1:${port}/jwks`,
  })
  const refreshTokens = readFileSync(join(folder, tokensName), 'utf8').split('\n')
  return {
    server,
    issuer: server.origin,
    refreshTokens,
    end: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
