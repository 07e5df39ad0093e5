import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import type { IdentityFolder } from './identity-server.ts'
import { commands } from './identity-server.ts'
import type { ServerProcess } from './server-process.ts'
import { startServer } from './server-process.ts'

const settingsName = 'relay.json'

/** `portcullis relay --config …` before an identity that runs. */
export async function startRelayIn({
  path,
  issuer,
}: Pick<IdentityFolder, 'path' | 'issuer'>): Promise<ServerProcess> {
  const port = await freePort()
  const operations = await freePort()
  const settings = { listen: { port }, operations: { port: operations }, issuer }
  writeFileSync(join(path, settingsName), JSON.stringify(settings))
  return startServer({
    parameters: [...commands.sources, 'relay', '--config', settingsName],
    folder: path,
    port,
    readyUrl: `http://127.0.0.1:${operations}/health/ready`,
  })
}
