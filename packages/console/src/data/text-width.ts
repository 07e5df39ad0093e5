/** How wide a text is in the letters of the page, in pixels. */
export function measureText(text: string, { sizeRem }: { readonly sizeRem: number }): number {
  const { fontFamily, fontSize } = getComputedStyle(document.documentElement)
  pen ??= document.createElement('canvas').getContext('2d') ?? undefined
  if (pen === undefined) return 0
  pen.font = `${sizeRem * Number.parseFloat(fontSize)}px ${fontFamily}`
  return pen.measureText(text).width
}

let pen: CanvasRenderingContext2D | undefined
