import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorsIn, anchorsMax } from '../src/data/anchors.ts'

function anchor(chain: string, seq: number): string {
  return `${chain.padEnd(22, 'c')}:${seq}:${String(seq).padEnd(43, 'm')}`
}

test('anchors are found in a list and in the lines of a log, each once', () => {
  const [one, two] = [anchor('a', 1), anchor('b', 20)]
  const log = `{"level":30,"msg":"started"}\n{"level":30,"auditAnchor":"${two}","msg":"audit"}\n`
  assert.deepEqual(anchorsIn(`${one}\r\n\r\n${one}\n${log}`), {
    anchors: [one, two],
    unreadable: [],
  })
})

test('a line that should have an anchor and has a cut one is named', () => {
  const whole = anchor('a', 1)
  const cut = [whole.slice(0, -1), `${whole}m`, `{"auditAnchor":"${whole.slice(4)}"}`]
  for (const line of cut) {
    assert.deepEqual(anchorsIn(`${whole}\n${line}`), { anchors: [whole], unreadable: [2] }, line)
  }
})

test('of more than are checked at a time the latest of each chain speaks for the others', () => {
  const seqs = Array.from({ length: anchorsMax }, (_, index) => index + 1)
  const all = ['a', 'b'].flatMap((chain) => seqs.map((seq) => anchor(chain, seq)))
  const { anchors } = anchorsIn(all.toReversed().join('\n'))
  assert.deepEqual(anchors.toSorted(), [anchor('a', anchorsMax), anchor('b', anchorsMax)])
  assert.equal(anchorsIn(all.slice(0, anchorsMax).join('\n')).anchors.length, anchorsMax)
})
