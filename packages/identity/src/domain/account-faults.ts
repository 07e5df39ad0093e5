/** What can be wrong with what an account is called and with its password, and the figures that say how to mend it. */
interface Figures {
  readonly 'identifier-empty': object
  readonly 'identifier-too-long': Most
  readonly 'identifier-invisible': object
  readonly 'identifier-mixed-alphabets': object
  readonly 'identifier-no-address': object
  readonly 'email-malformed': object
  readonly 'email-without-domain': object
  readonly 'email-too-long': Most
  readonly 'email-not-identifier': object
  readonly 'password-missing': object
  readonly 'password-too-short': Least
  readonly 'password-too-long': Most
  readonly 'password-common': object
  readonly 'password-like-identifier': object
  readonly 'password-like-service': object
  readonly 'password-breached': object
}

interface Least {
  readonly charactersMin: number
}

interface Most {
  readonly charactersMax: number
}

type FaultCode = keyof Figures

type FaultOf<Code extends FaultCode> = {
  readonly [Each in Code]: { readonly why: Each } & Figures[Each]
}[Code]

export type IdentifierFault = FaultOf<Extract<FaultCode, `identifier-${string}`>>
export type EmailFault = FaultOf<Extract<FaultCode, `email-${string}`>>
export type PasswordFault = FaultOf<Extract<FaultCode, `password-${string}`>>
export type AccountFault = FaultOf<FaultCode>

/** Words for each. Whoever answers people has their own. */
export type FaultTexts = {
  readonly [Code in FaultCode]: (fault: FaultOf<Code>) => string
}

export function tellFault<Code extends FaultCode>(texts: FaultTexts, fault: FaultOf<Code>): string {
  return texts[fault.why](fault)
}
