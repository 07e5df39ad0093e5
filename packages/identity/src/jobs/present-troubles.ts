/** What is wrong as long as it is: for whoever asks, while the log says when it begins and ends. */
export interface PresentTroubles {
  /** Answers how to say that it is there, and that it is over. */
  readonly named: (name: string) => (isThere: boolean) => void
  readonly names: () => readonly string[]
}

export function createPresentTroubles(): PresentTroubles {
  const present = new Set<string>()
  return {
    named: (name) => (isThere) => {
      if (isThere) present.add(name)
      else present.delete(name)
    },
    names: () => [...present],
  }
}
