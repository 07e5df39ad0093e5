import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import process from 'node:process'
import { systemErrorCode } from '@portcullis/runtime'

/**
 * Below those that operating systems give to clients, and to servers that name none: nobody gets one of these by chance
 * while who has it here is not listening yet, or starts again.
 */
const firstPort = 10_000
const portsEnd = 32_768

/** So that processes of one run, whose ids are near each other, do not choose the same. */
const portsPerProcess = 20
const places = Math.floor((portsEnd - firstPort) / portsPerProcess)
const ownPort = firstPort + (process.pid % places) * portsPerProcess
let chosen = 0

/** A port that nobody listens on at the moment; another one each time. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portsPerProcess; tries += 1) {
    const port = ownPort + (chosen % portsPerProcess)
    chosen += 1
    if (await isFree(port)) return port
  }
  assert.fail(`every port from ${ownPort} on, of ${portsPerProcess}, is in use`)
}

/** The first of as many ports in a row, that nobody listens on at the moment. */
export async function freePortRow(length: number): Promise<number> {
  let first = await freePort()
  let last = first
  while (last - first < length - 1) {
    const next = await freePort()
    if (next !== last + 1) first = next
    last = next
  }
  return first
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if (systemErrorCode(error) === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
