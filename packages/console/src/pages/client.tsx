import type { ClientInfo } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Badges } from '../elements/badge.tsx'
import type { Decision } from '../elements/decision.tsx'
import { Decisions, nothingTravels, offer } from '../elements/decisions.tsx'
import { Facts } from '../elements/facts.tsx'
import { Loaded } from '../elements/loaded.tsx'
import { Moment } from '../elements/moment.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { NewSecretDialog } from './client-forms.tsx'
import { ClientState } from './clients.tsx'

/** One client: what it may ask for, and what may be done about it. */
export function ClientPage({ id }: { readonly id: string }): JSX.Element {
  const loading = useLoaded(`client ${id}`, () => administration.clients.get(id))
  return (
    <Loaded loading={loading}>
      {loading.value !== undefined && <Known client={loading.value} onChange={loading.reload} />}
    </Loaded>
  )
}

function Known(props: { readonly client: ClientInfo; readonly onChange: () => void }): JSX.Element {
  const { client, onChange } = props
  const isDeclared = client.origin === 'file'
  return (
    <>
      <header class="of-page">
        <h1>{client.name}</h1>
        <ClientState client={client} />
      </header>
      <Facts facts={factsOf(client)} />
      {isDeclared && <p class="quiet">{texts.clients.isDeclared}</p>}
      <div class="actions">
        {client.authentication === 'client_secret' && (
          <NewSecret client={client} onDone={onChange} />
        )}
        <Decisions offered={decisionsOf(client)} onDone={onChange} />
        <a class="button" href={addressOf('audit', undefined, { client: client.id })}>
          {texts.clients.history}
        </a>
      </div>
    </>
  )
}

function NewSecret(props: {
  readonly client: ClientInfo
  readonly onDone: () => void
}): JSX.Element {
  const { client, onDone } = props
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {texts.clients.rotate.action}
      </button>
      {isOpen && (
        <NewSecretDialog
          client={client}
          onClose={(isDone) => {
            setOpen(false)
            if (isDone) onDone()
          }}
        />
      )}
    </>
  )
}

function factsOf(client: ClientInfo): readonly (readonly [string, ComponentChildren])[] {
  const { details, origin } = texts.clients
  return [
    [details.id, <code key="id">{client.id}</code>],
    [details.description, client.description ?? texts.frame.none],
    [details.origin, client.origin === 'file' ? origin.file : origin.store],
    [details.authentication, client.authentication],
    [details.grants, <Badges key="grants" values={client.grants} />],
    [details.audiences, <Badges key="audiences" values={client.audiences} />],
    [details.scopes, <Badges key="scopes" values={client.scopes} />],
    [details.made, <Moment key="made" at={client.createdAt} />],
    [details.secretMade, <Moment key="secret" at={client.secretMadeAt} />],
    [details.formerUntil, <Moment key="former" at={client.formerSecretUntil} />],
  ]
}

function decisionsOf({ id, name, origin, isEnabled, grants }: ClientInfo): readonly Decision[] {
  const { clients } = administration
  const { revoke, disable, enable, remove } = texts.clients
  // Who disables one of those shuts people out, or this console.
  const isOfPeople = grants.includes('login')
  const dangerous = (words: { readonly people: string }): Partial<Decision> => ({
    isDangerous: true,
    warning: isOfPeople ? words.people : undefined,
  })
  const takeBack = offer(
    name,
    revoke,
    (reason) => clients.revokeTokens(id, { reason }),
    dangerous(revoke),
  )
  if (origin === 'file') return [takeBack]
  return [
    takeBack,
    isEnabled
      ? offer(name, disable, (reason) => clients.disable(id, { reason }), dangerous(disable))
      : offer(name, enable, (reason) => nothingTravels(clients.enable(id, { reason })), {
          outcome: <p role="status">{enable.done(name)}</p>,
        }),
    offer(name, remove, (reason) => clients.delete(id, { reason }), {
      ...dangerous(remove),
      typed: name,
      leadsTo: addressOf('clients'),
    }),
  ]
}
