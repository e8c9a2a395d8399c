// Runs the program as a user does, and makes the odd image files that users have.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as zlib from 'node:zlib';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const fixture = (name) => join(root, 'tests/golden/methods/grainnet', name);

export const program = process.env.KERNELSCOPE ?? join(root, 'build/native/kernelscope');

/** {status, out, err} of one run. */
export function run(...args) {
  const r = spawnSync(program, args, {encoding: 'utf8', maxBuffer: 1 << 28});
  if (r.error) throw r.error;
  return {status: r.status, out: r.stdout, err: r.stderr};
}

/** A folder that is gone after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'kernelscope-'));
  t.after(() => rmSync(path, {recursive: true, force: true}));
  return path;
}

function crcOf(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let c = 0xffffffff;  // Node.js before 22 has no crc32
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; ++k) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crcOf(body), body.length + 4);
  return out;
}

/** A PNG file. pixel(x, y) gives the samples; depth 8 or 16; colour 0 grey, 2 RGB, 6 RGBA. `rows` may be fewer than height. */
export function png({width, height, depth = 8, colour = 2, rows = height, pixel = (x, y) => [x * 7, y * 5, 90, 128]}) {
  const samples = {0: 1, 2: 3, 6: 4}[colour], bytes = depth / 8;
  const raw = Buffer.alloc(rows * (1 + width * samples * bytes));
  let at = 0;
  for (let y = 0; y < rows; ++y) {
    raw[at++] = 0;
    for (let x = 0; x < width; ++x)
      for (let s = 0; s < samples; ++s) {
        const v = pixel(x, y)[s] & 255;
        raw[at++] = v;
        if (bytes === 2) raw[at++] = v;
      }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colour;
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', header), chunk('IDAT', zlib.deflateSync(raw)),
                        chunk('IEND', Buffer.alloc(0))]);
}
