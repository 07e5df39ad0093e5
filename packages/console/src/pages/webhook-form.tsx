import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { webhookEvents } from '../data/webhook-events.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

export function NewWebhookDialog(props: {
  readonly onClose: (isDone: boolean) => void
}): JSX.Element {
  const [address, setAddress] = useState('')
  const [description, setDescription] = useState('')
  const [header, setHeader] = useState('')
  const [chosen, setChosen] = useState<readonly string[]>(['session-revoked'])
  const { create } = texts.streams
  const run = async (reason: string): Promise<undefined> => {
    await administration.streams.create({
      endpointUrl: address.trim(),
      events: chosen,
      ...(description.trim() === '' ? {} : { description: description.trim() }),
      ...(header === '' ? {} : { authorizationHeader: header }),
      ...(reason === '' ? {} : { reason }),
    })
  }
  return (
    <DecisionDialog
      onClose={props.onClose}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        hasFaults: address.trim() === '' || chosen.length === 0,
        fields: (
          <>
            <Field
              label={create.address}
              hint={create.addressHint}
              value={address}
              onInput={setAddress}
              isFirst
              isRequired
            />
            <Field label={create.description} value={description} onInput={setDescription} />
            <Checks
              label={create.events}
              choices={webhookEvents}
              chosen={chosen}
              onChoose={setChosen}
            />
            <Field
              label={create.header}
              hint={create.headerHint}
              value={header}
              onInput={setHeader}
            />
          </>
        ),
        run,
      }}
    />
  )
}
