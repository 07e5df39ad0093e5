import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs'

/**
 * Writes a new file that only its owner can read (0600), and returns when its content is durable; its name is when its
 * folder is flushed. Throws where there is one of that name. What was begun is left to whoever gave it the name.
 */
export function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
