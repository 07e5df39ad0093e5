/** HTML in which everything that came from outside was escaped. Only this file makes any. */
export class Markup {
  readonly #text: string

  constructor(text: string, proof: typeof made) {
    if (proof !== made) throw new TypeError('markup is made by `markup` and `trustedMarkup`')
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

const made: unique symbol = Symbol('made')

type Piece = Markup | string | number | undefined | readonly Markup[]

/**
 * HTML from a template. What is put into it is a text, which stands there letter by letter, also in a quoted
 * attribute; markup stays what it is, and undefined is nothing. It is no way to put a text into a script, a
 * style, or an address that a page may not lead to.
 */
export function markup(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  const [first = '', ...others] = parts
  const text = others.reduce((before, part, index) => before + textOf(pieces[index]) + part, first)
  return new Markup(text, made)
}

/** A name in a sentence, whose direction is its own whatever stands around it (Unicode UAX #9). */
export function name(text: string): Markup {
  return markup`<bdi>${text}</bdi>`
}

/** A sentence of a catalogue, with markup in its places. */
export function sentence<Places extends readonly Markup[]>(
  say: (...places: { [Place in keyof Places]: string }) => string,
  ...pieces: Places
): Markup {
  const places = pieces.map((_, index) => String.fromCharCode(firstPlace + index))
  const said = say(...(places as { [Place in keyof Places]: string }))
  return said
    .split(new RegExp(`([${places.join('')}])`))
    .reduce((before, part) => markup`${before}${pieces[places.indexOf(part)] ?? part}`, markup``)
}

/** For private use in Unicode: no text of a catalogue has it. */
const firstPlace = 0xe000

/** Of a style or a script of ours, in which nobody from outside has a word. */
export function trustedMarkup(text: string): Markup {
  return new Markup(text, made)
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function textOf(piece: Piece): string {
  if (piece === undefined) return ''
  if (piece instanceof Markup) return piece.toString()
  return typeof piece === 'object' ? piece.join('\n') : escapeHtml(String(piece))
}
