import assert from 'node:assert/strict'
import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { parseCompactJws } from '@portcullis/protocol/jws'
import { howToGet, python } from '../tools/debian-packages.ts'
import type { IssuerBehindProxy } from './issuer-behind-proxy.ts'
import { startIssuerBehindProxy } from './issuer-behind-proxy.ts'
import type { PythonService } from './python-service.ts'
import { maxStalenessSeconds, pythonFolder, startPythonService } from './python-service.ts'

const program = python.find()
const skip = program === undefined && howToGet(python)

/** A frame takes milliseconds; the rest is for a machine that does much else. */
const revokedMsMax = 2000

test(
  'the follower in Python passes its own tests, the vectors of the feed among them',
  { skip },
  () => {
    const { status, stderr } = runPython('-m', 'unittest', '-v')
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^test_records_and_their_chain .* ok$/m)
    const ran = /^Ran (\d+) tests/m.exec(stderr)?.[1]
    assert.ok(Number(ran) >= 19, stderr)
  },
)

test('the format and the follower are less than 200 lines of code in Python', { skip }, () => {
  const { stdout, stderr } = runPython('-c', countLines, 'feed_format.py', 'follower.py')
  const lines = Number(stdout)
  assert.ok(lines > 100 && lines < 200, `${stdout}${stderr}`)
})

/** Of what is no comment, no documentation and no import. */
const countLines = `
import ast, sys
count = 0
for name in sys.argv[1:]:
    source = open("portcullis_follower/" + name).read()
    other = set()
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            other |= set(range(node.lineno, node.end_lineno + 1))
    for number, line in enumerate(source.split("\\n"), 1):
        count += number not in other and line.strip() != "" and line.strip()[0] != "#"
print(count)
`

function runPython(...parameters: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(program ?? '', ['-B', ...parameters], { cwd: pythonFolder, encoding: 'utf8' })
}

let issuer: IssuerBehindProxy
let service: PythonService

before(async () => {
  if (program === undefined) return
  issuer = await startIssuerBehindProxy()
  service = await startPythonService(program, issuer)
})

after(async () => {
  if (program === undefined) return
  await service.stop()
  await issuer.stop()
})

test('a service in Python accepts a token, and refuses what is none', { skip }, async () => {
  const token = await issuer.signIn()
  assert.deepEqual(await service.show(token), { status: 200, why: undefined })
  const last = token.at(-5) === 'A' ? 'B' : 'A'
  const forged = `${token.slice(0, -5)}${last}${token.slice(-4)}`
  for (const bad of [forged, 'x', `${token}.x`]) {
    const { status, why } = await service.show(bad)
    assert.deepEqual({ status, why }, { status: 401, why: 'malformed, forged, or no access token' })
  }
})

test(
  'it refuses a token within a moment of the logout, also after a restart',
  { skip },
  async () => {
    const [left, kept] = [await issuer.signIn(), await issuer.signIn()]
    assert.equal((await service.show(left)).status, 200)
    await issuer.logOut(left)
    const ms = await service.untilAnswers(left, 401)
    assert.ok(ms < revokedMsMax, `refused after ${ms} ms`)
    assert.equal((await service.show(left)).why, 'revoked')
    await service.restart()
    assert.equal((await service.show(left)).why, 'revoked')
    assert.equal((await service.show(kept)).status, 200)
  },
)

test(
  'it goes on while signing keys rotate, and refuses the tokens of one that is withdrawn',
  { skip },
  async () => {
    const older = await issuer.signIn()
    const pid = service.pid()
    await service.untilAnswers(await untilRotated(older), 200)
    assert.equal((await service.show(older)).status, 200)

    const withdrawn = await issuer.keys('withdraw', kidOf(older), '--reason', 'a test')
    assert.equal(await withdrawn.ended, 0, withdrawn.errors())
    const ms = await service.untilAnswers(older, 401)
    assert.ok(ms < revokedMsMax, `refused after ${ms} ms`)
    assert.equal((await service.show(older)).why, 'its key is withdrawn')
    await service.untilAnswers(await issuer.signIn(), 200)
    assert.equal(service.pid(), pid)
  },
)

test('it goes on when the issuer is killed and starts again', { skip }, async () => {
  const [left, kept] = [await issuer.signIn(), await issuer.signIn()]
  await issuer.restart()
  await service.untilAnswers(kept, 200)
  await issuer.logOut(left)
  const ms = await service.untilAnswers(left, 401)
  assert.ok(ms < maxStalenessSeconds * 1000, `refused after ${ms} ms`)
  await service.untilAnswers(left, 401, 'revoked')
  await service.untilAnswers(kept, 200)
})

test(
  'it refuses what it cannot know in a partition, takes fresh tokens, and heals',
  { skip },
  async () => {
    const [left, kept] = [await issuer.signIn(), await issuer.signIn()]
    await service.untilAnswers(kept, 200)
    issuer.proxy.fallSilent()
    await issuer.logOut(left)
    const ms = await service.untilAnswers(left, 401)
    assert.ok(ms <= maxStalenessSeconds * 1000 + 250, `refused ${ms} ms after the logout`)
    const stale = 'stale: the feed is away, and a refreshed token would pass'
    await service.untilAnswers(kept, 401, stale)
    assert.equal((await service.show(await issuer.signIn())).status, 200)

    issuer.proxy.heal()
    await service.untilAnswers(kept, 200)
    assert.equal((await service.show(left)).why, 'revoked')
  },
)

test('it leaves a stream that has died without a word', { skip }, async () => {
  const [left, kept] = [await issuer.signIn(), await issuer.signIn()]
  await service.untilAnswers(kept, 200)
  issuer.proxy.forget()
  await issuer.logOut(left)
  await service.untilAnswers(left, 401, 'revoked')
  await service.untilAnswers(kept, 200)
})

/** A key that was published a moment ago may not sign yet. */
async function untilRotated(older: string): Promise<string> {
  for (let tries = 0; tries < 20; tries += 1) {
    const run = await issuer.keys('rotate')
    if ((await run.ended) === 0) {
      const newer = await issuer.signIn()
      assert.notEqual(kidOf(newer), kidOf(older))
      return newer
    }
    assert.match(run.errors(), /may not sign before/, run.errors())
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  throw new Error('no key rotated')
}

function kidOf(token: string): string {
  const jws = parseCompactJws(token)
  const kid = jws.kind === 'jws' ? jws.header['kid'] : undefined
  assert.ok(typeof kid === 'string')
  return kid
}
