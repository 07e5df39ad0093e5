import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createConsoleMailer } from '../src/mail/console-mailer.ts'
import { createSmtpMailer } from '../src/mail/smtp-mailer.ts'
import { newRandomSecret } from '../src/index.ts'
import { SMTPServer } from 'smtp-server'
import type { SmtpServer } from '../src/settings/smtp-url.ts'
import { linkIn } from './mailbox.ts'
import { startRunningIdentity } from './running-identity.ts'
import { admin, call } from './signed-in.ts'

const from = 'no-reply@id.example'
const mail = { to: 'carol@mail.example', subject: 'A link', text: 'https://id.example/x\n' }

interface Delivery {
  readonly from: string
  readonly to: readonly string[]
  readonly content: string
}

/** A small real mail server. Its certificate is one that nobody has signed. */
async function startServer(
  t: TestContext,
  options: ConstructorParameters<typeof SMTPServer>[0] = {},
): Promise<{ readonly port: number; readonly deliveries: Delivery[] }> {
  const deliveries: Delivery[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    ...options,
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const sender = mailFrom === false ? '' : (mailFrom?.address ?? '')
        const content = Buffer.concat(pieces).toString()
        deliveries.push({ from: sender, to: rcptTo.map(({ address }) => address), content })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, deliveries }
}

function on(port: number, more: Partial<SmtpServer> = {}): SmtpServer {
  return { host: '127.0.0.1', port, security: 'none', ...more }
}

test('a mail arrives as plain text, from and to exactly one address', async (t) => {
  const { port, deliveries } = await startServer(t)
  await createSmtpMailer(on(port), from).send(mail)
  const [delivery] = deliveries
  assert.deepEqual([delivery?.from, delivery?.to], [from, [mail.to]])
  const content = delivery?.content ?? ''
  assert.match(content, /^Subject: A link\r$/m)
  assert.match(content, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(content, /^Content-Type: text\/plain; charset=utf-8\r$/m)
  assert.match(content, /\r\n\r\nhttps:\/\/id\.example\/x/)
})

test('what would start another header or address stays inside its own, or is refused', async (t) => {
  const { port, deliveries } = await startServer(t)
  const mailer = createSmtpMailer(on(port), from)
  await mailer.send({ ...mail, subject: 'A link\r\nBcc: eve@mail.example' })
  await mailer
    .send({ ...mail, to: 'carol@mail.example\r\nRCPT TO:<eve@mail.example>' })
    .catch(() => {})
  await mailer.send({ ...mail, to: 'carol@mail.example, eve@mail.example' }).catch(() => {})
  assert.ok(deliveries.length > 0)
  for (const { to, content } of deliveries) {
    assert.ok(!to.includes('eve@mail.example'))
    assert.doesNotMatch(content, /^Bcc:/im)
  }
})

test('credentials are shown to the server, and a wrong one sends nothing', async (t) => {
  const password = newRandomSecret()
  const { port, deliveries } = await startServer(t, {
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: 'portcullis' }) : done(new Error('no')),
  })
  const as = (given: string): Promise<void> =>
    createSmtpMailer(on(port, { credential: { user: 'portcullis', password: given } }), from).send(
      mail,
    )
  await assert.rejects(as('wrong'), { code: 'EAUTH' })
  assert.equal(deliveries.length, 0)
  await as(password)
  assert.equal(deliveries.length, 1)
})

test('where TLS is due, nothing is sent without it or to a certificate that nobody signed', async (t) => {
  const plain = await startServer(t)
  const selfSigned = await startServer(t, { disabledCommands: [] })
  const implicit = await startServer(t, { secure: true })
  for (const [{ port }, security] of [
    [plain, 'starttls'],
    [plain, 'implicit'],
    [selfSigned, 'starttls'],
    [implicit, 'implicit'],
  ] as const) {
    await assert.rejects(createSmtpMailer(on(port, { security }), from).send(mail))
  }
  const all = [plain, selfSigned, implicit].flatMap(({ deliveries }) => deliveries)
  assert.deepEqual(all, [])
})

test('over TLS with a certificate that this machine trusts mail arrives', async (t) => {
  const certificates = new URL('../../gateway/test/tls/', import.meta.url)
  const [cert, key] = ['localhost-certificate.pem', 'localhost-key.pem'].map((name) =>
    readFileSync(new URL(name, certificates), 'utf8'),
  )
  assert.ok(cert !== undefined && key !== undefined)
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, cert])
  t.after(() => setDefaultCACertificates(trusted))
  const byStarttls = await startServer(t, { cert, key, disabledCommands: [] })
  const implicit = await startServer(t, { cert, key, secure: true })
  const host = 'localhost'
  await createSmtpMailer(on(byStarttls.port, { host, security: 'starttls' }), from).send(mail)
  await createSmtpMailer(on(implicit.port, { host, security: 'implicit' }), from).send(mail)
  assert.deepEqual([byStarttls.deliveries.length, implicit.deliveries.length], [1, 1])
})

test('an issuer sends its links through the server of its settings', async (t) => {
  const { port, deliveries } = await startServer(t)
  const identity = await startRunningIdentity({
    accounts: [admin],
    file: {
      accounts: { selfRegistration: 'by-mail' },
      mail: { smtpUrl: `smtp://127.0.0.1:${port}`, from },
    },
  })
  t.after(identity.close)
  const body = { identifier: mail.to, password: newRandomSecret() }
  assert.equal((await call(identity, 'POST /accounts', { body })).status, 202)
  // Closing waits for what is on its way.
  await identity.close()
  const [delivery] = deliveries
  assert.deepEqual(delivery?.to, [mail.to])
  // RFC 2045 section 6.7: long lines are folded behind an equals sign.
  const unfolded = delivery?.content.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? ''
  const link = linkIn({ ...mail, text: unfolded.replaceAll('\r\n', '\n') })
  assert.equal(link.origin, identity.issuer)
})

test('in development mail is shown instead', async () => {
  const shown: string[] = []
  await createConsoleMailer((line) => shown.push(line)).send(mail)
  assert.equal(shown.join(''), 'mail to carol@mail.example\nA link\n\nhttps://id.example/x\n\n')
})
