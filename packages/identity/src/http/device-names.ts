/** What a browser calls itself, in the order in which to look: most name others beside themselves. */
const browsers: readonly (readonly [name: string, form: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:(?:Headless)?Chrome|CriOS)\//],
  ['Safari', /\bVersion\/.{1,40}\bSafari\//],
]

const systems: readonly (readonly [name: string, form: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows NT\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
]

export interface DeviceName {
  readonly browser: string
  readonly system: string | undefined
}

/** What people call the device of a `User-Agent`. Undefined when it is no browser that we know. It proves nothing. */
export function deviceNameOf(userAgent: string): DeviceName | undefined {
  const browser = browsers.find(([, form]) => form.test(userAgent))?.[0]
  const system = systems.find(([, form]) => form.test(userAgent))?.[0]
  return browser === undefined ? undefined : { browser, system }
}
