import type { AccountDetails, AccountInfo, Attributes } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useDeclared } from '../data/declared.ts'
import { Checks } from '../elements/checks.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Field } from '../elements/field.tsx'
import { Loaded } from '../elements/table.tsx'
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
}): JSX.Element {
  const declared = useDeclared()
  const names = declared.value?.roles.map(({ name }) => name) ?? []
  return (
    <Loaded loading={declared}>
      <Checks
        label={texts.accounts.details.roles}
        choices={[...new Set([...names, ...props.had])].toSorted()}
        chosen={props.chosen}
        onChoose={props.onChoose}
      />
    </Loaded>
  )
}

export function RolesDialog(props: FormProps & { readonly account: AccountInfo }): JSX.Element {
  const { account, onClose } = props
  const [roles, setRoles] = useState(account.roles)
  const { title, text, action } = texts.accounts.changeRoles
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: title(account.identifier),
        explanation: text,
        action,
        fields: <RoleChecks had={account.roles} chosen={roles} onChoose={setRoles} />,
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
  const { title, text, action, attributesHint, attributesFault } = texts.accounts.changeProfile
  const { details } = texts.accounts
  const wanted = attributesIn(attributes)
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: title(account.identifier),
        explanation: text,
        action,
        fields: (
          <>
            <Field label={details.email} value={email} onInput={setEmail} isFirst />
            <Field
              label={details.attributes}
              hint={attributesHint}
              fault={wanted === undefined ? attributesFault : undefined}
              value={attributes}
              onInput={setAttributes}
            />
          </>
        ),
        hasFaults: wanted === undefined,
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
  const { create, columns, details } = texts.accounts
  return (
    <DecisionDialog
      onClose={onClose}
      decision={{
        title: create.action,
        explanation: create.text,
        action: create.action,
        isReasonOptional: true,
        hasFaults: identifier.trim() === '' || email.trim() === '',
        fields: (
          <>
            <Field
              label={columns.identifier}
              value={identifier}
              onInput={setIdentifier}
              isFirst
              isRequired
            />
            <Field
              label={details.email}
              hint={create.emailHint}
              value={email}
              onInput={setEmail}
              isRequired
            />
            <RoleChecks had={[]} chosen={roles} onChoose={setRoles} />
          </>
        ),
        outcome: <p role="status">{create.done(identifier.trim())}</p>,
        run: async (reason) => {
          const account = { identifier: identifier.trim(), email: email.trim(), roles }
          await administration.accounts.create(reason === '' ? account : { ...account, reason })
          return undefined
        },
      }}
    />
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
