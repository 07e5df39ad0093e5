import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdministered } from './administering.ts'
import { alice } from './running-issuer.ts'
import { clientOf } from './signing-in.ts'

test('an overview has what went on, and how many there are', async (t) => {
  const { running, administration } = await startAdministered(t)
  await clientOf(running).login(alice)
  const wrong = clientOf(running).login({ ...alice, password: 'not this one' })
  await assert.rejects(wrong, { code: 'bad-credentials' })
  const activity = await administration.activity.read({ minutes: 2 })
  assert.equal(activity.now.getTime(), running.clock.now())
  assert.equal(activity.bucketSeconds, 10)
  const lastBucketAt = activity.from.getTime() + 11 * 10_000
  assert.ok(lastBucketAt <= running.clock.now() && running.clock.now() < lastBucketAt + 10_000)
  assert.deepEqual(activity.series.sign_ins, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
  assert.equal(activity.refusals['bad-credentials']?.at(-1), 1)
  const { totals } = activity
  assert.equal(totals?.countedAt.getTime(), running.clock.now())
  assert.equal(totals.sessionsLive, 2)
  assert.deepEqual(totals.anomaliesLastDay, { notice: 0, warning: 0, critical: 0 })
  assert.equal((await administration.activity.read()).series.sign_ins?.length, 360)
  for (const minutes of [0, 61, 1.5, NaN]) {
    await assert.rejects(administration.activity.read({ minutes }), TypeError)
  }
  // @ts-expect-error: an option that is not known is a mistake.
  await assert.rejects(administration.activity.read({ hours: 1 }), TypeError)
})

test('settings have their values and sources, and what the file declares', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { settings, audiences, roles, clients } = await administration.settings.read()
  const named = new Map(settings.map((setting) => [setting.name, setting]))
  const rotation = { name: 'keyRotationDays', value: 30, source: 'default', isSecret: false }
  const { about, ...shown } = named.get('keyRotationDays') ?? {}
  assert.deepEqual(shown, { ...rotation, unit: 'days', group: 'tokens' })
  assert.match(about ?? '', /^how long a key signs/)
  const sealingKey = named.get('PORTCULLIS_SEALING_KEY')
  assert.deepEqual([sealingKey?.value, sealingKey?.isSecret], ['set', true])
  for (const setting of settings) assert.ok(setting.about && setting.group, setting.name)
  const own = audiences.find(({ isBuiltIn }) => isBuiltIn)
  assert.equal(own?.name, running.issuer)
  assert.ok(own.scopes.includes('revocations.read'))
  assert.ok(audiences.length >= 2)
  const administrator = { name: 'identity-admin', isBuiltIn: true, scopes: {} }
  assert.deepEqual(
    roles.find(({ isBuiltIn }) => isBuiltIn),
    administrator,
  )
  assert.ok(clients.some(({ name, isPublic }) => name === 'web' && isPublic))
})
