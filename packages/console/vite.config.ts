import { defineConfig } from 'vite'

/** Into the folder of identity, which serves it and carries it in its tarball. */
export default defineConfig({
  // An issuer may have a path, so no address of the console begins at the root.
  base: './',
  resolve: { conditions: ['@portcullis/source', 'module', 'browser'] },
  build: {
    outDir: '../identity/console',
    emptyOutDir: true,
    target: 'es2023',
    // Everything is a file of its own: the Content-Security-Policy knows no `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Whoever gets a copy of the libraries gets their licenses.
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 260,
  },
})
