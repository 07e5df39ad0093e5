/**
 * One spelling for all that differ only in case, width or ligatures: NFKC_Casefold (UAX #31, section 5) as
 * near as Unicode's upper and lower case come to it. Each character by itself, because lower case of a
 * whole word knows two small sigmas; by way of upper case, because lower case alone keeps ß apart from SS.
 * The dotless ı stays apart from i, as in the standard: whoever folds it lets one address be another.
 */
export function foldCase(text: string): string {
  return Array.from(text.normalize('NFKC'), foldCharacter)
    .join('')
    .replaceAll(dotOnDotted, '$1')
    .normalize('NFKC')
}

/** İ in lower case is an i with a second dot above it, which no font draws. */
const dotOnDotted = /(\p{Soft_Dotted})\u0307/gu

function foldCharacter(character: string): string {
  const lower = character.toLowerCase()
  return lower === 'ı' ? lower : lower.toUpperCase().toLowerCase()
}
