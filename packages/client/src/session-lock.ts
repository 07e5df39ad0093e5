/** Runs the job while nobody else who knows the lock runs one of the same name. Never nested. */
export type Lock = <Result>(name: string, job: () => Promise<Result>) => Promise<Result>

/** The part of the Web Locks API that is used. */
interface WebLocks {
  readonly request: Lock
}

/** One holder in the whole browser where Web Locks exist, in this client otherwise. */
export function createDefaultLock(): Lock {
  const locks = (globalThis as { readonly navigator?: { readonly locks?: WebLocks } }).navigator
    ?.locks
  if (locks === undefined) return createLocalLock()
  return (name, job) => locks.request(name, job)
}

export function createLocalLock(): Lock {
  const tails = new Map<string, Promise<unknown>>()
  return async (name, job) => {
    const before = tails.get(name)
    const run = before === undefined ? job() : before.then(job)
    // Who comes next waits for the end of this one, however it ends.
    const tail = run.then(ignore, ignore)
    tails.set(name, tail)
    try {
      return await run
    } finally {
      if (tails.get(name) === tail) tails.delete(name)
    }
  }
}

function ignore(): void {}
