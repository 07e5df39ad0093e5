const patienceMs = 20_000

/** Waits until a process that was started answers there. */
export async function untilAnswered(url: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (isUp) return
    if (performance.now() > deadline) throw new Error(`${url} did not become ready`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
