import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newFolder, removeFolder } from './running-system.ts'
import type { SeparateParts } from './separate-parts.ts'
import { startSeparateParts } from './separate-parts.ts'
import { refusalAt, untilRefused } from './tour/doors.ts'
import { signIn } from './tour/person.ts'
import type { Stage } from './tour/story.ts'
import { closeStage, openStage, steps } from './tour/story.ts'

// `npm run tour` itself is a step of `npm run verify`. Here the same story is told over a cliff.
test('the whole story holds when identity is killed between any two of its steps', async (t) => {
  const folder = newFolder()
  let parts: SeparateParts | undefined
  const stage = await openStage(folder, async (...given) => {
    parts = await startSeparateParts(...given)
    return parts
  })
  t.after(async () => {
    await closeStage(stage)
    removeFolder(folder)
  })
  const witness = await bringWitness(stage)
  for (const { title, walk } of steps) {
    await t.test(title, async () => {
      t.diagnostic(`${title}: ${await walk(stage)}`)
    })
    await parts?.killIdentity()
    await t.test(`what was so before is so after the kill behind: ${title}`, witness)
  }
})

/** Somebody who stays signed in throughout, and somebody who has signed out before it began. */
async function bringWitness(stage: Stage): Promise<() => Promise<void>> {
  const stayer = await signIn(stage.system, 'alice', stage.reach)
  const leaver = await signIn(stage.system, 'alice', stage.reach)
  const takenBack = await leaver.token()
  const before = await leaver.client.logout()
  // The first kill could come before the word of it has, on a busy machine.
  await Promise.all(stage.doors.map((door) => untilRefused(door, takenBack)))
  return async () => {
    await stayer.client.refresh()
    const listed = await stayer.client.sessions()
    assert.ok(listed.some(({ id, isCurrent }) => isCurrent && id === stayer.sessionId))
    assert.ok(listed.every(({ id }) => id !== leaver.sessionId))
    for (const door of stage.doors) {
      assert.match(await refusalAt(door, takenBack), /revoked|stale/, door.name)
    }
    const passing = await signIn(stage.system, 'alice', stage.reach)
    const after = await passing.client.logout()
    assert.equal(after.epoch, before.epoch)
    assert.ok(after.seq > before.seq)
  }
}
