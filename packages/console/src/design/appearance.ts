import { effect, signal } from '@preact/signals'

export const appearances = ['system', 'light', 'dark'] as const
export type Appearance = (typeof appearances)[number]

const storageKey = 'portcullis appearance'

export const appearance = signal<Appearance>(readChoice())

/** Keeps the page as it was chosen, also the next time. */
export function followSystemOrChoice(): void {
  effect(() => {
    const chosen = appearance.value
    document.documentElement.dataset['appearance'] = chosen
    try {
      localStorage.setItem(storageKey, chosen)
    } catch {
      // A browser that keeps nothing shows what its system has, next time.
    }
  })
}

function readChoice(): Appearance {
  try {
    const kept = localStorage.getItem(storageKey)
    return appearances.find((one) => one === kept) ?? 'system'
  } catch {
    return 'system'
  }
}
