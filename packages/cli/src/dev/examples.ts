import { existsSync } from 'node:fs'

/**
 * Whether the example services are there: they are a part of the repository and not of the published package,
 * where services of one's own have their ports. What lies beside `node_modules` is somebody else's.
 */
export function hasExamples(): boolean {
  return !import.meta.url.includes('/node_modules/') && existsSync(exampleModule('orders'))
}

export function exampleModule(name: 'orders' | 'reviews'): URL {
  return new URL(`../../../../examples/${name}/src/main.ts`, import.meta.url)
}
