import type { RemoteOptions } from './credentials.ts'

/** The last word of a command: members for programs, a sentence for people. */
export function say({ json }: RemoteOptions, members: object, sentence: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(members)}\n` : `${sentence}\n`)
}
