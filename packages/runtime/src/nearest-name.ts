/**
 * The name that was meant by one that is not known: a slip or two away, upper case, dashes and underscores aside.
 * Undefined where none is so near. The first of several that are.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const written = lettersOf(name)
  // Of three letters one may be another: more would find a name for everything.
  const slipsMax = Math.min(slipsMost, Math.floor(written.length / 3))
  const [nearest] = known
    .map((one) => ({ one, letters: lettersOf(one) }))
    .filter(({ letters }) => Math.abs(letters.length - written.length) <= slipsMax)
    .map(({ one, letters }) => ({ one, slips: slipsBetween(written, letters) }))
    .toSorted((first, second) => first.slips - second.slips)
  return nearest !== undefined && nearest.slips <= slipsMax ? nearest.one : undefined
}

const slipsMost = 2

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** How many letters have to be added, left out, changed or exchanged with the next (optimal string alignment). */
function slipsBetween(text: string, word: string): number {
  const first = Array.from({ length: word.length + 1 }, (_, column) => column)
  const rows = [first]
  for (let at = 1; at <= text.length; at += 1) {
    const row = [at]
    for (let column = 1; column <= word.length; column += 1) {
      const changed =
        slipsAt(rows, at - 1, column - 1) + (text[at - 1] === word[column - 1] ? 0 : 1)
      const isExchanged = text[at - 1] === word[column - 2] && text[at - 2] === word[column - 1]
      row.push(
        Math.min(
          changed,
          slipsAt(rows, at - 1, column) + 1,
          (row[column - 1] ?? Infinity) + 1,
          isExchanged ? slipsAt(rows, at - 2, column - 2) + 1 : Infinity,
        ),
      )
    }
    rows.push(row)
  }
  return slipsAt(rows, text.length, word.length)
}

function slipsAt(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] ?? Infinity
}
