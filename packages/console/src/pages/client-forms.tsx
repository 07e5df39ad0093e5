import type { ClientInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useDeclared } from '../data/declared.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { OnceShown } from '../elements/once-shown.tsx'
import { Loaded } from '../elements/table.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

interface FormProps {
  readonly onClose: (isDone: boolean) => void
}

export function NewClientDialog({ onClose }: FormProps): JSX.Element {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [audiences, setAudiences] = useState<readonly string[]>([])
  const [scopes, setScopes] = useState<readonly string[]>([])
  const [secret, setSecret] = useState<string>()
  const declared = useDeclared()
  const { create, details, columns, secret: labelOf } = texts.clients
  const offered = declared.value?.audiences ?? []
  const fields = (
    <>
      <Field
        label={columns.name}
        hint={create.hint}
        value={name}
        onInput={setName}
        isFirst
        isRequired
      />
      <Field label={details.description} value={description} onInput={setDescription} />
      <Loaded loading={declared}>
        <Checks
          label={details.audiences}
          choices={offered.filter(({ isBuiltIn }) => !isBuiltIn).map((one) => one.name)}
          chosen={audiences}
          onChoose={setAudiences}
        />
        <Checks
          label={details.scopes}
          hint={create.scopesHint}
          choices={[...new Set(offered.flatMap((one) => one.scopes))].toSorted()}
          chosen={scopes}
          onChoose={setScopes}
        />
      </Loaded>
    </>
  )
  const run = async (reason: string): Promise<undefined> => {
    const made = await administration.clients.create({
      name: name.trim(),
      grants: ['client_credentials'],
      audiences,
      scopes,
      ...(description.trim() === '' ? {} : { description: description.trim() }),
      ...(reason === '' ? {} : { reason }),
    })
    setSecret(made.secret)
  }
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        hasFaults: name.trim() === '',
        fields,
        outcome: secret !== undefined && <OnceShown label={labelOf(name.trim())} secret={secret} />,
        run,
      }}
    />
  )
}

export function NewSecretDialog(props: FormProps & { readonly client: ClientInfo }): JSX.Element {
  const { client, onClose } = props
  const [isLeaked, setLeaked] = useState(false)
  const [secret, setSecret] = useState<string>()
  const { rotate, secret: labelOf } = texts.clients
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: rotate.title(client.name),
        explanation: rotate.text,
        action: rotate.action,
        fields: (
          <label>
            <input
              type="checkbox"
              checked={isLeaked}
              onChange={({ currentTarget }) => setLeaked(currentTarget.checked)}
            />{' '}
            {rotate.leaked}
          </label>
        ),
        outcome: secret !== undefined && <OnceShown label={labelOf(client.name)} secret={secret} />,
        run: async (reason) => {
          const asked = isLeaked ? { reason, overlapSeconds: 0 } : { reason }
          const rotated = await administration.clients.rotateSecret(client.id, asked)
          setSecret(rotated.secret)
          return isLeaked ? rotated.revocation : undefined
        },
      }}
    />
  )
}
