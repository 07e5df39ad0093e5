import process from 'node:process'
import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Without what it would ask its maker, as root without a sandbox, and with the cookies of third parties blocked. */
const flags = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--test-third-party-cookie-phaseout',
  '--no-first-run',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: flags })
}
