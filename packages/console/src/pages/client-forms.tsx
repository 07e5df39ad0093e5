import type { ClientInfo, MadeClient } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useDeclared } from '../data/declared.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { faultOfEmpty } from '../elements/form-faults.ts'
import { Loaded } from '../elements/loaded.tsx'
import { OnceShown } from '../elements/once-shown.tsx'
import { TakenName } from '../elements/taken-name.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

interface FormProps {
  readonly onClose: (isDone: boolean) => void
}

interface Wanted {
  readonly name: string
  readonly description: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
}

export function NewClientDialog({ onClose }: FormProps): JSX.Element {
  const [wanted, setWanted] = useState<Wanted>({
    name: '',
    description: '',
    audiences: [],
    scopes: [],
  })
  const [asked, setAsked] = useState('')
  const [made, setMade] = useState<MadeClient>()
  const { create, columns, secret: labelOf } = texts.clients
  const run = async (reason: string): Promise<undefined> => {
    const { audiences, scopes } = wanted
    const [name, description] = [wanted.name.trim(), wanted.description.trim()]
    setAsked(name)
    const client = await administration.clients.create({
      name,
      grants: ['client_credentials'],
      audiences,
      scopes,
      ...(description === '' ? {} : { description }),
      ...(reason === '' ? {} : { reason }),
    })
    setMade(client)
  }
  const taken = (
    <TakenName
      name={asked}
      words={create}
      address={addressOf('clients', undefined, { name: asked })}
      onLeave={() => onClose(false)}
    />
  )
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        faults: {
          name: faultOfEmpty(wanted.name, columns.name),
          description: undefined,
          audiences: undefined,
          scopes: undefined,
        },
        refusals: { 'identifier-taken': { member: 'name', words: taken } },
        fields: <WantedFields wanted={wanted} onWant={setWanted} />,
        outcome: made?.secret !== undefined && (
          <OnceShown label={labelOf(made.name)} secret={made.secret} id={made.id} />
        ),
        isShownOnce: true,
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
  const declared = useDeclared()
  const offered = declared.value?.audiences ?? []
  const { create, details, columns } = texts.clients
  return (
    <>
      <Field
        label={columns.name}
        hint={create.hint}
        member="name"
        value={wanted.name}
        onInput={(name) => onWant({ ...wanted, name })}
        isFirst
      />
      <Field
        label={details.description}
        member="description"
        value={wanted.description}
        onInput={(description) => onWant({ ...wanted, description })}
        isOptional
      />
      <Loaded loading={declared}>
        <Checks
          label={details.audiences}
          choices={offered.filter(({ isBuiltIn }) => !isBuiltIn).map((one) => one.name)}
          chosen={wanted.audiences}
          onChoose={(audiences) => onWant({ ...wanted, audiences })}
          member="audiences"
          isOptional
        />
        <Checks
          label={details.scopes}
          hint={create.scopesHint}
          choices={[...new Set(offered.flatMap((one) => one.scopes))].toSorted()}
          chosen={wanted.scopes}
          onChoose={(scopes) => onWant({ ...wanted, scopes })}
          member="scopes"
          isOptional
        />
      </Loaded>
    </>
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
          <label class="check">
            <input
              type="checkbox"
              checked={isLeaked}
              onChange={({ currentTarget }) => setLeaked(currentTarget.checked)}
            />
            {rotate.leaked}
          </label>
        ),
        outcome: secret !== undefined && (
          <OnceShown label={labelOf(client.name)} secret={secret} id={client.id} />
        ),
        isShownOnce: true,
        run: async (reason) => {
          const asked = isLeaked ? { reason, overlapSeconds: 0 } : { reason }
          const rotated = await administration.clients.rotateSecret(client.id, asked)
          setSecret(rotated.secret)
          return rotated.revocation
        },
      }}
    />
  )
}
