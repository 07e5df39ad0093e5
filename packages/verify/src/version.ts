/** Of this package, as its manifest has it (`npm run release:versions`): bundlers leave manifests behind. */
export const version = '0.1.0'
