import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../tools/free-port.ts'
import type { IssuerBehindProxy } from './issuer-behind-proxy.ts'
import { bearer } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

/** `examples/python-follower`, where its modules are. */
export const pythonFolder: string = fileURLToPath(
  new URL('../examples/python-follower', import.meta.url),
)
export const maxStalenessSeconds = 3

/** What the service in Python says of a token. */
export interface Answer {
  readonly status: number
  readonly why: string | undefined
}

/** `service.py` as a process. */
export interface PythonService {
  readonly show: (token: string) => Promise<Answer>
  /** Asks until this is the answer, and says after how many milliseconds it was. */
  readonly untilAnswers: (token: string, status: number, why?: string) => Promise<number>
  readonly pid: () => number | undefined
  /** SIGKILL, and a new process that knows nothing of the one before. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

const patienceMs = 10_000

export async function startPythonService(
  program: string,
  { issuer, clientFile }: IssuerBehindProxy,
): Promise<PythonService> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(program, ['service.py'], {
      cwd: pythonFolder,
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: '1',
        FOLLOWER_PORT: String(port),
        FOLLOWER_ISSUER: issuer,
        FOLLOWER_AUDIENCE: 'orders',
        FOLLOWER_CLIENT_FILE: clientFile,
        FOLLOWER_MAX_STALENESS_SECONDS: String(maxStalenessSeconds),
      },
      stdio: 'ignore',
    })
    await untilAnswered(`${url}/health`)
    return started
  }
  let child = await start()
  const end = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const show = async (token: string): Promise<Answer> => {
    const answer = await fetch(url, { headers: bearer(token) })
    const { why } = (await answer.json()) as { readonly why?: string }
    return { status: answer.status, why }
  }
  return {
    show,
    untilAnswers: async (token, status, why) => {
      const startedAt = performance.now()
      for (;;) {
        const answer = await show(token)
        const ms = performance.now() - startedAt
        if (answer.status === status && (why === undefined || answer.why === why)) return ms
        if (ms > patienceMs) throw new Error(`after ${ms} ms it says ${JSON.stringify(answer)}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    pid: () => child.pid,
    restart: async () => {
      await end()
      child = await start()
    },
    stop: end,
  }
}
