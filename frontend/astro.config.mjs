import preact from '@astrojs/preact';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'astro/config';

// `npm run dev` shows the pages against a gateway that runs beside it.
const gateway = process.env.POUCH_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  output: 'static',
  // One file a page (keys.html), so that no address needs a slash at its end.
  build: { format: 'file', inlineStylesheets: 'never' },
  trailingSlash: 'ignore',
  devToolbar: { enabled: false },
  integrations: [preact()],
  vite: {
    plugins: [tailwindcss()],
    build: { assetsInlineLimit: 0 },
    server: { proxy: { '/api': gateway, '/v1': gateway } },
  },
});
