import type {
  AccountDetails,
  AccountInfo,
  Attributes,
  DeclaredRole,
} from '@portcullis/client/admin'
import { administratorRole } from '@portcullis/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useDeclared } from '../data/declared.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { faultOfEmpty } from '../elements/form-faults.ts'
import { Loaded } from '../elements/loaded.tsx'
import { TakenName } from '../elements/taken-name.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

interface FormProps {
  readonly onClose: (isDone: boolean) => void
}

/** Those that the file declares, and those that the account has, whatever the file says today. */
function RoleChecks(props: {
  readonly had: readonly string[]
  readonly chosen: readonly string[]
  readonly onChoose: (chosen: readonly string[]) => void
  readonly isOptional?: boolean
}): JSX.Element {
  const declared = useDeclared()
  const roles = declared.value?.roles ?? []
  const names = roles.map(({ name }) => name)
  return (
    <Loaded loading={declared}>
      <Checks
        label={texts.accounts.details.roles}
        choices={[...new Set([...names, ...props.had])].toSorted()}
        noteOf={(name) => grantsOf(roles.find((role) => role.name === name))}
        chosen={props.chosen}
        onChoose={props.onChoose}
        member="roles"
        isOptional={props.isOptional ?? false}
      />
    </Loaded>
  )
}

/** What somebody who has the role may do. */
function grantsOf(role: DeclaredRole | undefined): string {
  const { operatorRole, undeclaredRole, emptyRole } = texts.accounts
  if (role === undefined) return undeclaredRole
  if (role.name === administratorRole) return operatorRole
  const scopes = Object.values(role.scopes).flat()
  return scopes.length === 0 ? emptyRole : scopes.toSorted().join(', ')
}

export function RolesDialog(props: FormProps & { readonly account: AccountInfo }): JSX.Element {
  const { account, onClose } = props
  const [roles, setRoles] = useState(account.roles)
  const { title, text, action, gained, lost, nothingLost } = texts.accounts.changeRoles
  const more = roles.filter((role) => !account.roles.includes(role))
  const less = account.roles.filter((role) => !roles.includes(role))
  const isSame = more.length === 0 && less.length === 0
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: title(account.identifier),
        explanation: text,
        action,
        fields: <RoleChecks had={account.roles} chosen={roles} onChoose={setRoles} />,
        faults: { roles: isSame ? texts.decisions.nothingChanged : undefined },
        outcome: (
          <div role="status">
            {more.length > 0 && <p>{gained(account.identifier, more)}</p>}
            <p>{less.length > 0 ? lost(account.identifier, less) : nothingLost}</p>
          </div>
        ),
        run: (reason) => administration.accounts.setRoles(account.id, { roles, reason }),
      }}
    />
  )
}

export function ProfileDialog(
  props: FormProps & { readonly account: AccountDetails },
): JSX.Element {
  const { account, onClose } = props
  const [email, setEmail] = useState(account.email ?? '')
  const [attributes, setAttributes] = useState(JSON.stringify(account.attributes))
  const { title, text, action, done, attributesHint, attributesFault } =
    texts.accounts.changeProfile
  const { details } = texts.accounts
  const wanted = attributesIn(attributes)
  const isSame =
    email.trim() === (account.email ?? '') && sorted(wanted) === sorted(account.attributes)
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: title(account.identifier),
        explanation: text,
        action,
        fields: (
          <>
            <Field
              label={details.email}
              member="email"
              value={email}
              onInput={setEmail}
              isFirst
              isOptional
            />
            <Field
              label={details.attributes}
              hint={attributesHint}
              member="attributes"
              value={attributes}
              onInput={setAttributes}
              isOptional
            />
          </>
        ),
        faults: {
          email: isSame ? texts.decisions.nothingChanged : undefined,
          attributes: wanted === undefined ? attributesFault : undefined,
        },
        outcome: <p role="status">{done(account.identifier)}</p>,
        run: async (reason) => {
          const gone = Object.keys(account.attributes).filter((name) => !(name in (wanted ?? {})))
          const { revocation } = await administration.accounts.change(account.id, {
            email: email.trim() === '' ? null : email.trim(),
            attributes: { ...wanted, ...Object.fromEntries(gone.map((name) => [name, null])) },
            reason,
          })
          return revocation
        },
      }}
    />
  )
}

export function NewAccountDialog({ onClose }: FormProps): JSX.Element {
  const [identifier, setIdentifier] = useState('')
  const [email, setEmail] = useState('')
  const [roles, setRoles] = useState<readonly string[]>([])
  const [asked, setAsked] = useState('')
  const { create, columns, details } = texts.accounts
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        faults: {
          identifier: faultOfEmpty(identifier, columns.identifier),
          email: faultOfEmpty(email, details.email),
          roles: undefined,
        },
        refusals: {
          'identifier-taken': {
            member: 'identifier',
            words: (
              <TakenName
                name={asked}
                words={create}
                address={addressOf('accounts', undefined, { prefix: asked })}
                onLeave={() => onClose(false)}
              />
            ),
          },
        },
        fields: (
          <>
            <Field
              label={columns.identifier}
              member="identifier"
              value={identifier}
              onInput={setIdentifier}
              isFirst
            />
            <Field
              label={details.email}
              hint={create.emailHint}
              member="email"
              value={email}
              onInput={setEmail}
            />
            <RoleChecks had={[]} chosen={roles} onChoose={setRoles} isOptional />
          </>
        ),
        outcome: <p role="status">{create.done(identifier.trim())}</p>,
        run: async (reason) => {
          const account = { identifier: identifier.trim(), email: email.trim(), roles }
          setAsked(account.identifier)
          await administration.accounts.create(reason === '' ? account : { ...account, reason })
          return undefined
        },
      }}
    />
  )
}

/** The same text for the same attributes, in whatever order. */
function sorted(attributes: Attributes | undefined): string | undefined {
  return (
    attributes &&
    JSON.stringify(
      attributes,
      Object.keys(attributes).toSorted((one, other) => (one < other ? -1 : 1)),
    )
  )
}

/** Undefined for what is no JSON object of texts, numbers and flags. */
function attributesIn(text: string): Attributes | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const isPlain = Object.values(value).every((one) =>
      ['string', 'number', 'boolean'].includes(typeof one),
    )
    return isPlain ? (value as Attributes) : undefined
  } catch {
    return undefined
  }
}
