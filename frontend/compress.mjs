/** Writes a .gz and a .br beside every file of dist/ that is worth it; the gateway serves them as they are. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const WORTH_BYTES = 512;
const folder = new URL('./dist/', import.meta.url);

for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(html|js|css|svg)$/.test(name)) continue;
  const file = new URL(name, folder);
  const body = readFileSync(file);
  if (body.length < WORTH_BYTES) continue;
  writeFileSync(new URL(`${name}.gz`, folder), gzipSync(body, { level: 9 }));
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(new URL(`${name}.br`, folder), brotliCompressSync(body, { params: quality }));
}
