/** Counts the requests that are under way in the whole process, whatever the plans that they are served by. */
export interface Room {
  /** False when there are as many as there may be; else counts one more. */
  readonly enter: (requestsMax: number) => boolean
  readonly leave: () => void
  readonly underWay: () => number
}

export function createRoom(): Room {
  let requests = 0
  return {
    enter: (requestsMax) => {
      if (requests >= requestsMax) return false
      requests += 1
      return true
    },
    leave: () => {
      requests -= 1
    },
    underWay: () => requests,
  }
}
