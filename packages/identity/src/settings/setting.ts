/**
 * One value that an operator may choose: everything that is said of it anywhere (the schema of the file,
 * its environment variable, the README, `--print-config`) comes from here.
 */
export interface Setting {
  readonly schema: ValueSchema
  /** Absent: undefined when nobody says otherwise. */
  readonly default?: string | number | boolean | readonly string[]
  /** There is no default, and nothing runs without it. */
  readonly required?: true
  readonly unit?: string
  /** What it is, for the README. */
  readonly meaning: string
  /** Why this default, and why this range. */
  readonly reason: string
  /** It is shown without its password, and may come from the file that `<variable>_FILE` names. */
  readonly holdsPassword?: true
}

/** JSON Schema of one value. Every number has its bounds. */
export type ValueSchema =
  | {
      readonly type: 'integer' | 'number'
      readonly minimum: number
      readonly maximum: number
    }
  | { readonly type: 'boolean' }
  | { readonly type: 'string'; readonly minLength: number; readonly enum?: readonly string[] }
  | {
      readonly type: 'array'
      readonly uniqueItems: true
      readonly items: { readonly type: 'string'; readonly minLength: number }
    }

/** Settings by their path in the file, its members joined with dots. */
export type SettingsTable = Readonly<Record<string, Setting>>

/** What the settings of a table are, nested as in the file. */
export type SettingsOf<Table extends SettingsTable> = Nested<{
  readonly [Path in keyof Table]: ValueOf<Table[Path]>
}>

type ValueOf<Entry> = Entry extends { readonly default: unknown } | { readonly required: true }
  ? SchemaValue<Entry>
  : SchemaValue<Entry> | undefined

type SchemaValue<Entry> = Entry extends { readonly schema: infer Schema }
  ? Schema extends { readonly enum: readonly (infer Choice)[] }
    ? Choice
    : Schema extends { readonly type: infer Type extends keyof ValueOfType }
      ? ValueOfType[Type]
      : never
  : never

interface ValueOfType {
  readonly integer: number
  readonly number: number
  readonly boolean: boolean
  readonly string: string
  readonly array: readonly string[]
}

type Nested<Flat> = {
  readonly [Head in HeadOf<keyof Flat>]: Head extends keyof Flat
    ? Flat[Head]
    : Nested<{
        readonly [
          Path in keyof Flat as Path extends `${Head}.${infer Rest}` ? Rest : never
        ]: Flat[Path]
      }>
}

type HeadOf<Path> = Path extends `${infer Head}.${string}` ? Head : Path & string

/** `listen.tls.keyFile` is `PORTCULLIS_LISTEN_TLS_KEY_FILE`. */
export function variableOf(path: string): string {
  const words = path.replaceAll(/[A-Z]/g, '_$&').replaceAll('.', '_')
  return `PORTCULLIS_${words.toUpperCase()}`
}

/** `listen.tls.keyFile` is `/listen/tls/keyFile` (RFC 6901). */
export function pointerOf(path: string): string {
  return `/${path.replaceAll('.', '/')}`
}
