import type { StreamInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { webhookEvents } from '../data/webhook-events.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { faultOfEmpty } from '../elements/form-faults.ts'
import { addressOf, goTo } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

interface Wanted {
  readonly address: string
  readonly description: string
  readonly header: string
  readonly events: readonly string[]
}

export function NewWebhookDialog(props: {
  readonly onClose: (isDone: boolean) => void
}): JSX.Element {
  const [wanted, setWanted] = useState<Wanted>({
    address: '',
    description: '',
    header: '',
    events: ['session-revoked'],
  })
  const [made, setMade] = useState<StreamInfo>()
  const { create } = texts.streams
  const { noneChosen } = texts.decisions
  const run = async (reason: string): Promise<undefined> => {
    const description = wanted.description.trim()
    const stream = await administration.streams.create({
      endpointUrl: wanted.address.trim(),
      events: wanted.events,
      ...(description === '' ? {} : { description }),
      ...(wanted.header === '' ? {} : { authorizationHeader: wanted.header }),
      ...(reason === '' ? {} : { reason }),
    })
    setMade(stream)
  }
  return (
    <DecisionDialog
      onClose={(isDone) => {
        props.onClose(isDone)
        // There it is to be seen how it goes with it.
        if (made !== undefined) goTo(addressOf('streams', made.id))
      }}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        faults: {
          endpoint_url: faultOfEmpty(wanted.address, create.address),
          description: undefined,
          events: wanted.events.length === 0 ? noneChosen : undefined,
          authorization_header: undefined,
        },
        outcome: <p role="status">{create.done}</p>,
        fields: <WantedFields wanted={wanted} onWant={setWanted} />,
        run,
      }}
    />
  )
}

function WantedFields(props: {
  readonly wanted: Wanted
  readonly onWant: (wanted: Wanted) => void
}): JSX.Element {
  const { wanted, onWant } = props
  const { create } = texts.streams
  return (
    <>
      <Field
        label={create.address}
        hint={create.addressHint}
        member="endpoint_url"
        value={wanted.address}
        onInput={(address) => onWant({ ...wanted, address })}
        isFirst
      />
      <Field
        label={create.description}
        member="description"
        value={wanted.description}
        onInput={(description) => onWant({ ...wanted, description })}
        isOptional
      />
      <Checks
        label={create.events}
        choices={webhookEvents}
        noteOf={(event) => create.eventNotes[event] ?? ''}
        chosen={wanted.events}
        onChoose={(events) => onWant({ ...wanted, events })}
        member="events"
      />
      <Field
        label={create.header}
        hint={create.headerHint}
        member="authorization_header"
        value={wanted.header}
        onInput={(header) => onWant({ ...wanted, header })}
        isOptional
      />
    </>
  )
}
