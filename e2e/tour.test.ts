import { test } from 'node:test'
import { newFolder, removeFolder } from './running-system.ts'
import type { SeparateParts } from './separate-parts.ts'
import { startSeparateParts } from './separate-parts.ts'
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
  for (const { title, walk } of steps) {
    await t.test(title, async () => {
      t.diagnostic(`${title}: ${await walk(stage)}`)
    })
    await parts?.killIdentity()
  }
})
