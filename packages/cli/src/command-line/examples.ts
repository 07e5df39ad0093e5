import type { Command } from 'commander'

/** How each command is called, as it works where `portcullis dev` runs, or beside settings files. */
export const examples: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'dev',
    ['portcullis dev', 'PORTCULLIS_PORT_BASE=5000 portcullis dev --max-staleness-seconds 10'],
  ],
  [
    'bootstrap',
    [
      'portcullis bootstrap --database sqlite:portcullis.db',
      'portcullis bootstrap --database postgres://db.example/portcullis --identifier ann --password-stdin < password',
    ],
  ],
  [
    'identity',
    ['portcullis identity --config portcullis.identity.json', 'portcullis identity --print-config'],
  ],
  [
    'backup',
    [
      'portcullis backup --database sqlite:portcullis.db --write-to backups/monday',
      'portcullis backup --database postgres://db.example/portcullis --write-to backups/tuesday --json',
    ],
  ],
  [
    'restore',
    [
      'portcullis restore backups/monday --database sqlite:portcullis.db --replace',
      'portcullis restore backups/monday --database postgres://db.example/empty --issuer https://id.example',
    ],
  ],
  ['gateway', ['portcullis gateway', 'portcullis gateway --config edge.json --workers auto']],
  ['relay', ['portcullis relay --config portcullis.relay.json']],
  [
    'accounts create',
    [
      'portcullis accounts create ann@shop.example --roles "customer moderator"',
      'portcullis accounts create ann --password-file ann.password --reason "new colleague"',
    ],
  ],
  [
    'accounts list',
    [
      'portcullis accounts list --role identity-admin',
      'portcullis accounts list --blocked --created-after 2026-01-31 --json',
    ],
  ],
  [
    'accounts import',
    [
      'portcullis accounts import accounts.jsonl --dry-run',
      'portcullis accounts import - --on-existing fail < accounts.jsonl',
    ],
  ],
  ['accounts roles', ['portcullis accounts roles ann --set "customer" --reason "left support"']],
  ['accounts reset', ['portcullis accounts reset ann --reason "laptop was stolen" --wait']],
  ['accounts delete', ['portcullis accounts delete ann --reason "asked for it"']],
  [
    'accounts block',
    [
      'portcullis accounts block ann --reason "fraud, case 4711" --wait',
      'portcullis accounts block --ids-from ids.txt --reason "leaked passwords"',
    ],
  ],
  [
    'accounts logout',
    [
      'portcullis accounts logout ann bob --reason "shared a computer"',
      'portcullis accounts logout --ids-from - --reason "leaked passwords" < ids.txt',
    ],
  ],
  ['accounts unblock', ['portcullis accounts unblock ann --reason "case 4711 is closed"']],
  [
    'sessions list',
    ['portcullis sessions list --account ann', 'portcullis sessions list --all --json'],
  ],
  [
    'sessions end',
    ['portcullis sessions end 3q2-7wAAAAAAAAAAAAAAAA --reason "not mine, says ann" --wait 10'],
  ],
  ['sessions end-all', ['portcullis sessions end-all --reason "runbook: mass compromise"']],
  ['keys list', ['portcullis keys list']],
  [
    'keys rotate',
    ['portcullis keys rotate', 'portcullis keys rotate --purpose feed --reason yearly'],
  ],
  ['keys withdraw', ['portcullis keys withdraw KID --reason "the host was broken into" --wait']],
  [
    'audit list',
    [
      'portcullis audit list --account ann --from 2026-01-31',
      'portcullis audit list --kind login-failed --limit 500 --json',
    ],
  ],
  [
    'audit verify',
    [
      'portcullis audit verify',
      'PORTCULLIS_SEALING_KEY_FILE=sealing.key portcullis audit verify --database sqlite:portcullis.db',
    ],
  ],
  [
    'anomalies list',
    [
      'portcullis anomalies list --severity critical --since 2026-01-31',
      'portcullis anomalies list --rule credential-stuffing --json',
    ],
  ],
  [
    'token inspect',
    [
      'portcullis token inspect access.jwt',
      'portcullis token inspect --audience orders < access.jwt',
    ],
  ],
  ['token verify', ['portcullis token verify --audience orders access.jwt']],
  ['token revoke', ['portcullis token revoke --client-id web < refresh.token']],
  [
    'clients create',
    [
      'portcullis clients create stock --audience orders --scope orders:read --write-to stock.json',
      'portcullis clients create orders --scope revocations.read --write-to orders.json',
    ],
  ],
  ['clients list', ['portcullis clients list --json']],
  [
    'clients rotate-secret',
    ['portcullis clients rotate-secret stock --reason yearly --write-to stock-2.json'],
  ],
  [
    'clients revoke-tokens',
    ['portcullis clients revoke-tokens stock --reason "logged by mistake"'],
  ],
  ['clients disable', ['portcullis clients disable stock --reason "case 4712" --wait']],
  ['clients enable', ['portcullis clients enable stock --reason "case 4712 is closed"']],
  ['clients delete', ['portcullis clients delete stock --reason "no longer there"']],
  [
    'streams create',
    [
      'portcullis streams create --push https://partner.example/events --events session-revoked,account-disabled',
    ],
  ],
  ['streams list', ['portcullis streams list']],
  [
    'doctor',
    [
      'portcullis doctor http://localhost:4001/orders --audience orders --listen 127.0.0.1:9100',
      'portcullis doctor https://api.example.com/me --token-file access.jwt --issuer https://id.example.com --json',
      'portcullis doctor http://localhost:4001/orders --credentials .portcullis/credentials.json --take-back',
      'portcullis doctor --audit-issuer https://id.example.com --token-file access.jwt',
    ],
  ],
  ['streams delete', ['portcullis streams delete STREAM --reason "contract ended"']],
])

/** Shows with each command how it is called. A command without an example is a mistake of ours. */
export function showExamples(program: Command): void {
  for (const [path, command] of commandsOf(program)) {
    const texts = examples.get(path)
    if (texts === undefined) throw new TypeError(`examples.ts has no example of ${path}`)
    command.addHelpText('after', `\nExamples:\n${texts.map((text) => `  ${text}`).join('\n')}`)
  }
}

/** Every command that does something, by the words that it is called with. */
export function commandsOf(
  command: Command,
  before: readonly string[] = [],
): readonly [string, Command][] {
  return command.commands.flatMap((one) => {
    const words = [...before, one.name()]
    return one.commands.length === 0 ? [[words.join(' '), one]] : commandsOf(one, words)
  })
}
