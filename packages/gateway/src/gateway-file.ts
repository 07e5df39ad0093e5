import { parseSettingsText, readSettingsText } from '@portcullis/runtime'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { startGateway } from './gateway.ts'
import type { FollowedFile } from './settings/followed-file.ts'
import { followFile } from './settings/followed-file.ts'
import { parseGatewaySettings } from './settings/parsed-file.ts'

/** `repeat` also calls for the looks at the file. */
export interface GatewayFromFileOptions extends Omit<GatewayOptions, 'warnings'> {}

export interface GatewayFromFile extends Pick<
  Gateway,
  'port' | 'operationsPort' | 'stopSecondsMax' | 'close'
> {
  /**
   * Takes the file as it is now, and the client file and the certificates too, whether or not it has changed. Says in
   * the log what came of it, and never rejects.
   */
  readonly reload: () => Promise<void>
}

/**
 * Starts the gateway by its file, and follows the file (see `followFile`): what has changed is in force some two
 * seconds later. Throws a `StartError` where the first one is mistaken.
 */
export async function startGatewayFromFile(
  path: string,
  options: GatewayFromFileOptions,
): Promise<GatewayFromFile> {
  const { log, repeat } = options
  const first = readSettingsText(path)
  const settings = parseGatewaySettings(parseSettingsText(first, path), path)
  let file: FollowedFile | undefined
  const warnings = (): readonly string[] => file?.warnings() ?? []
  const gateway = await startGateway(settings, { ...options, warnings })
  const take = async (next: typeof settings): Promise<readonly string[]> =>
    (await gateway.reload(next)).needsRestart
  const { reload, stop } = (file = followFile({ path, first, take, log, repeat }))
  return {
    port: gateway.port,
    operationsPort: gateway.operationsPort,
    stopSecondsMax: gateway.stopSecondsMax,
    reload,
    close: async () => {
      await stop()
      await gateway.close()
    },
  }
}
