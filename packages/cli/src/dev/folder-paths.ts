import { join } from 'node:path'

/** `.portcullis/`: the whole state of a development system. Deleting it starts over. */
export interface DataFolder {
  readonly path: string
  readonly database: string
  readonly sealingKeyFile: string
  readonly pepperFile: string
  readonly credentialsFile: string
  readonly gatewayClientFile: string
  readonly ordersClientFile: string
  readonly ordersDatabase: string
  readonly reviewsClientFile: string
  readonly reviewsDatabase: string
  readonly logs: string
  readonly compileCache: string
  readonly lock: string
}

export function dataFolderAt(path: string): DataFolder {
  return {
    path,
    database: `sqlite:${join(path, 'identity.db')}`,
    sealingKeyFile: join(path, 'sealing.key'),
    pepperFile: join(path, 'refresh.pepper'),
    credentialsFile: join(path, 'credentials.json'),
    gatewayClientFile: join(path, 'gateway-client.json'),
    ordersClientFile: join(path, 'orders-client.json'),
    ordersDatabase: join(path, 'orders.db'),
    reviewsClientFile: join(path, 'reviews-client.json'),
    reviewsDatabase: join(path, 'reviews.db'),
    logs: join(path, 'logs'),
    compileCache: join(path, 'cache'),
    lock: join(path, 'lock'),
  }
}

/** What a part has written; identity also shows mail there, instead of sending it. */
export function logFileOf({ logs }: DataFolder, part: string): string {
  return join(logs, `${part}.log`)
}
