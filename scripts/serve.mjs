// Serves a folder on localhost, as the app wants to be served: cross-origin isolated, so that ONNX Runtime may use
// threads, with the right types, revalidated instead of cached (a rebuilt site shows at once), compressed.
//
//   import {serve} from './serve.mjs';
//   const {url, close} = await serve({dir: 'dist', port: 0, isolate: true});
//
// `isolate: false` leaves the COOP and COEP headers out, as on a host that cannot set them (GitHub Pages).

import {createHash} from 'node:crypto';
import {realpathSync} from 'node:fs';
import {readFile, realpath, stat} from 'node:fs/promises';
import {createServer} from 'node:http';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {gzip} from 'node:zlib';

const types = {
  '.css': 'text/css; charset=utf-8',
  '.frag': 'text/plain; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.onnx': 'application/octet-stream',
  '.otf': 'font/otf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.vert': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.wgsl': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};
// Fonts and model weights shrink, too; pictures do not.
const compressed = new Set(['.css', '.frag', '.html', '.js', '.json', '.mjs', '.onnx', '.otf', '.svg', '.ttf', '.txt',
  '.vert', '.wasm', '.webmanifest', '.wgsl']);

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

// The file that a request's path names, or null: nothing outside `root`, no hidden files, index.html for a folder.
async function find(root, pathname) {
  let name;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    return null; // a % that begins no escape
  }
  if (name.includes('\0') || name.split(/[/\\]/).some(part => part.startsWith('.'))) return null;
  try {
    let file = await realpath(path.join(root, name)); // a link out of the folder leads nowhere
    if ((await stat(file)).isDirectory()) {
      if (!name.endsWith('/')) return {redirect: true};
      file = await realpath(path.join(file, 'index.html'));
    }
    if (!file.startsWith(root + path.sep)) return null;
    const {mtimeMs, size} = await stat(file);
    return {file, version: `${mtimeMs}-${size}`};
  } catch {
    return null;
  }
}

const compress = promisify(gzip);

// serve({dir, port, isolate}) -> {url, port, close()}. Port 0 takes any free one. Answers only on this machine.
export async function serve({dir, port = 0, isolate = true}) {
  const root = await realpath(dir);
  const cache = new Map(); // file -> {version, etag, body, gzip}: read and compressed once, as long as it stays the same

  async function load(file, version) {
    const known = cache.get(file);
    if (known?.version === version) return known;
    const body = await readFile(file);
    const etag = createHash('sha256').update(body).digest('hex').slice(0, 32);
    const entry = {version, etag, body, gzip: null};
    cache.set(file, entry);
    return entry;
  }

  async function answer(request, response) {
    const [pathname, query] = request.url.split(/(?=\?)/);
    const headers = {'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff', ...(isolate ? isolation : {})};
    const end = (status, more, body) => {
      const bytes = Buffer.from(body ?? '');
      response.writeHead(status, {...headers, 'Content-Length': bytes.length, ...more});
      response.end(request.method === 'HEAD' ? undefined : bytes);
    };
    const plain = {'Content-Type': 'text/plain; charset=utf-8'};
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return end(405, {...plain, Allow: 'GET, HEAD'}, 'Only GET and HEAD are answered here.\n');
    }
    const found = await find(root, pathname);
    if (!found) return end(404, plain, `There is no ${pathname} here.\n`);
    if (found.redirect) return end(301, {...plain, Location: `${pathname.replace(/^[/\\]+/, '/')}/${query ?? ''}`}, '');

    const extension = path.extname(found.file).toLowerCase();
    const entry = await load(found.file, found.version);
    const zip = compressed.has(extension) && entry.body.length > 1024 &&
      /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    headers.ETag = `"${entry.etag}${zip ? '-gz' : ''}"`;
    headers.Vary = 'Accept-Encoding';
    const asked = (request.headers['if-none-match'] ?? '').split(',').map(tag => tag.trim().replace(/^W\//, ''));
    if (asked.includes(headers.ETag) || asked.includes('*')) {
      response.writeHead(304, headers);
      return response.end();
    }
    headers['Content-Type'] = types[extension] ?? 'application/octet-stream';
    if (!zip) return end(200, {}, entry.body);
    entry.gzip ??= compress(entry.body, {level: 6});
    return end(200, {'Content-Encoding': 'gzip'}, await entry.gzip);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(problem => {
      if (!response.headersSent) response.writeHead(500, {'Content-Type': 'text/plain; charset=utf-8'});
      response.end(`${problem.message}\n`);
    });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const taken = server.address().port;
  return {
    url: `http://localhost:${taken}/`,
    port: taken,
    close: () => new Promise(resolve => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

function refuse(sentence) {
  console.error(`serve: ${sentence}`);
  process.exit(2);
}

async function main() {
  let values, positionals;
  try {
    ({values, positionals} = parseArgs({
      options: {port: {type: 'string'}, 'no-isolation': {type: 'boolean'}},
      allowPositionals: true,
    }));
  } catch (problem) {
    refuse(`${problem.message.split('.')[0]}.`);
  }
  const dir = positionals[0] ?? 'dist';
  const port = Number(values.port ?? 8080);
  if (positionals.length > 1) refuse(`one folder can be served, not ${positionals.length}.`);
  if (!Number.isInteger(port) || port < 0 || port > 65535) refuse(`--port is 0 to 65535, not '${values.port}'.`);
  try {
    if (!(await stat(dir)).isDirectory()) refuse(`${dir} is a file: name the folder to serve.`);
  } catch {
    refuse(`there is no folder ${dir}: build the site with scripts/build web.`);
  }
  let server;
  try {
    server = await serve({dir, port, isolate: !values['no-isolation']});
  } catch (problem) {
    if (problem.code === 'EADDRINUSE') refuse(`port ${port} is taken: choose another with --port, or any free one with --port 0.`);
    if (problem.code === 'EACCES') refuse(`port ${port} needs root: choose one above 1023 with --port.`);
    throw problem;
  }
  console.log(`Kernelscope is at ${server.url} until Ctrl-C.`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close().then(() => process.exit(0)));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
