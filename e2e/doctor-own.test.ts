import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Report, Trust } from '@portcullis/doctor'
import { examine } from '@portcullis/doctor'
import { freePort } from '../tools/free-port.ts'
import { severitiesOf } from './doctor/reports.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

const attacksMin = 500
const main = fileURLToPath(new URL('../examples/orders/src/main.ts', import.meta.url))

let folder: string

before(() => {
  folder = newFolder()
})

after(() => removeFolder(folder))

interface Running {
  readonly port: number
  readonly stop: () => Promise<void>
}

function startOrders(port: number, { issuer, client }: Trust): Running {
  const clientFile = join(folder, 'orders.json')
  writeFileSync(clientFile, JSON.stringify({ client_id: client.id, client_secret: client.secret }))
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', main], {
    env: {
      ...process.env,
      ORDERS_PORT: String(port),
      ORDERS_ISSUER: issuer,
      ORDERS_CLIENT_FILE: clientFile,
      ORDERS_DATABASE: join(folder, `orders-${port}.db`),
    },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  return {
    port,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function startGateway(issuer: string, service: number): Promise<Running> {
  const port = await freePort()
  const config = join(folder, 'gateway.json')
  const settings = {
    listen: { port },
    issuer,
    auth: { audience: 'orders' },
    routes: [{ match: '/orders/*', to: [`http://127.0.0.1:${service}`] }],
  }
  writeFileSync(config, JSON.stringify(settings))
  const run = runPortcullis(['gateway', '--config', config], { folder })
  return {
    port,
    stop: async () => {
      run.child.kill('SIGTERM')
      await run.ended
    },
  }
}

/** The service is started with what it is to trust, as an operator does. */
async function examineAt(port: number, ordersPort: number, issuerPort: number): Promise<Report> {
  let orders: Running | undefined
  const onTrust = (trust: Trust): void => {
    orders = startOrders(ordersPort, trust)
  }
  try {
    return await examine({
      url: `http://127.0.0.1:${port}/orders`,
      requestsPerSecond: 10_000,
      issuer: { audience: 'orders', port: issuerPort, waitSeconds: 30, onTrust },
    })
  } finally {
    await orders?.stop()
  }
}

function assertSound(report: Report): void {
  assert.deepEqual(severitiesOf(report), {}, JSON.stringify(report.findings))
  assert.deepEqual(report.notes, [])
  assert.deepEqual(report.notJudged, [])
  assert.ok(report.attacks.made >= attacksMin, `only ${report.attacks.made} attacks were made`)
  assert.equal(report.attacks.refused, report.attacks.made)
  assert.equal(report.revocation.kind, 'refused')
  assert.ok(report.revocation.afterMs < 5_000, `${report.revocation.afterMs} ms`)
}

test('nothing is found at our own service, and what is taken back is refused at once', async () => {
  const port = await freePort()
  assertSound(await examineAt(port, port, await freePort()))
})

test('nothing is found at our own gateway', async () => {
  const issuerPort = await freePort()
  const ordersPort = await freePort()
  const gateway = await startGateway(`http://localhost:${issuerPort}`, ordersPort)
  try {
    assertSound(await examineAt(gateway.port, ordersPort, issuerPort))
  } finally {
    await gateway.stop()
  }
})
