import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceNameOf } from '../src/http/device-names.ts'

const gecko = '(KHTML, like Gecko)'
const agents: readonly (readonly [agent: string, browser: string, system: string])[] = [
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ${gecko} Chrome/150.0.0.0 Safari/537.36`,
    'Chrome',
    'Windows',
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ${gecko} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0`,
    'Edge',
    'Windows',
  ],
  [
    `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 ${gecko} Chrome/150.0.0.0 Safari/537.36 OPR/120.0.0.0`,
    'Opera',
    'ChromeOS',
  ],
  [
    `Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 ${gecko} SamsungBrowser/30.0 Chrome/150.0.0.0 Mobile Safari/537.36`,
    'Samsung Internet',
    'Android',
  ],
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 ${gecko} Version/20.0 Safari/605.1.15`,
    'Safari',
    'macOS',
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) AppleWebKit/605.1.15 ${gecko} CriOS/150.0 Mobile/15E148 Safari/604.1`,
    'Chrome',
    'iPhone',
  ],
  [
    `Mozilla/5.0 (iPad; CPU OS 20_0 like Mac OS X) AppleWebKit/605.1.15 ${gecko} FxiOS/150.0 Mobile/15E148 Safari/605.1.15`,
    'Firefox',
    'iPad',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0', 'Firefox', 'Linux'],
]

test('a browser is called what people call it', () => {
  for (const [agent, browser, system] of agents) {
    assert.deepEqual(deviceNameOf(agent), { browser, system }, agent)
  }
  assert.deepEqual(deviceNameOf('Chrome/1'), { browser: 'Chrome', system: undefined })
})

test('what is no browser that we know is shown as it calls itself', () => {
  for (const agent of ['', 'curl/8.0', 'Windows NT', 'Safari/1', 'Chromes']) {
    assert.equal(deviceNameOf(agent), undefined, agent)
  }
})
