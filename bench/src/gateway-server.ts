import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import type { IdentityFolder } from './identity-server.ts'
import { audience, commands } from './identity-server.ts'
import type { ServerProcess } from './server-process.ts'
import { startServer } from './server-process.ts'

const settingsName = 'gateway.json'

/** `portcullis gateway --config …` before an identity that runs, with one route. */
export async function startGatewayIn(
  { path, issuer }: IdentityFolder,
  how: keyof typeof commands,
): Promise<ServerProcess> {
  const port = await freePort()
  const operations = await freePort()
  const settings = {
    listen: { port },
    operations: { port: operations },
    issuer,
    auth: { mode: 'required', audience },
    // Nobody is there: it is only started.
    routes: [{ match: '/orders/*', to: ['http://127.0.0.1:9'] }],
  }
  writeFileSync(join(path, settingsName), JSON.stringify(settings))
  return startServer({
    parameters: [...commands[how], 'gateway', '--config', settingsName],
    folder: path,
    port,
    readyUrl: `http://127.0.0.1:${operations}/health/ready`,
  })
}
