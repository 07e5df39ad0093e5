/** One at a time: runs a job when all that came before it are over, also those that failed. */
export type SerialQueue = <Result>(job: () => Promise<Result>) => Promise<Result>

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const turn = last.then(job, job)
    last = turn
    return turn
  }
}
