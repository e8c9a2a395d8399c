// The server that the page is tested on, and shown with: types, isolation, compression, caching, nothing outside its folder.

import assert from 'node:assert/strict';
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises';
import {get} from 'node:http';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {gunzipSync} from 'node:zlib';

import {serve} from '../../scripts/serve.mjs';

let folder, isolated, plain;
const wasm = Buffer.alloc(50000, 'kernel');

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kernelscope-serve-'));
  const site = path.join(folder, 'site');
  await mkdir(path.join(site, 'studies'), {recursive: true});
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  await writeFile(path.join(site, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(path.join(site, 'core.wasm'), wasm);
  await writeFile(path.join(site, 'core.mjs'), 'export default 1;');
  await writeFile(path.join(site, '.hidden'), 'hidden');
  await writeFile(path.join(site, 'studies', 'index.html'), 'studies');
  await symlink(path.join(folder, 'secret.txt'), path.join(site, 'link.txt'));
  isolated = await serve({dir: site, port: 0});
  plain = await serve({dir: site, port: 0, isolate: false});
});

after(async () => {
  await isolated.close();
  await plain.close();
  await rm(folder, {recursive: true});
});

// The path goes out as it is written: fetch() would tidy ".." away before the server sees it.
function ask(server, target, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    get({host: '127.0.0.1', port: server.port, path: target, headers, method}, response => {
      const chunks = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () => resolve({status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks)}));
    }).on('error', reject);
  });
}

test('a page is cross-origin isolated, unless that is asked not to be', async () => {
  const page = await ask(isolated, '/');
  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /<title>page/);
  assert.equal(page.headers['cross-origin-opener-policy'], 'same-origin');
  assert.equal(page.headers['cross-origin-embedder-policy'], 'require-corp');
  const open = await ask(plain, '/');
  assert.equal(open.headers['cross-origin-opener-policy'], undefined);
  assert.equal(open.headers['cross-origin-embedder-policy'], undefined);
});

test('modules and WebAssembly have the types that browsers insist on', async () => {
  assert.equal((await ask(isolated, '/core.wasm')).headers['content-type'], 'application/wasm');
  assert.match((await ask(isolated, '/core.mjs?v=2')).headers['content-type'], /^text\/javascript/);
});

test('WebAssembly is compressed for those who take it, and the same after unpacking', async () => {
  const raw = await ask(isolated, '/core.wasm');
  assert.deepEqual(raw.body, wasm);
  const packed = await ask(isolated, '/core.wasm', {'Accept-Encoding': 'br, gzip'});
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.ok(packed.body.length < 1000);
  assert.deepEqual(gunzipSync(packed.body), wasm);
  assert.notEqual(packed.headers.etag, raw.headers.etag);
});

test('what the browser has already is not sent again, until it changes', async () => {
  const first = await ask(isolated, '/core.mjs');
  const again = await ask(isolated, '/core.mjs', {'If-None-Match': first.headers.etag});
  assert.equal(again.status, 304);
  assert.equal(again.body.length, 0);
  await writeFile(path.join(folder, 'site', 'core.mjs'), 'export default 22;');
  const changed = await ask(isolated, '/core.mjs', {'If-None-Match': first.headers.etag});
  assert.equal(changed.status, 200);
  assert.equal(changed.body.toString(), 'export default 22;');
});

test('nothing outside the folder is reachable, nor hidden files', async () => {
  for (const target of ['/../secret.txt', '/%2e%2e/secret.txt', '/studies/../../secret.txt', '/..%2fsecret.txt',
    '/..%5csecret.txt', '/link.txt', '/.hidden', '/absent', '/%', '/%00', '/index.html/']) {
    const reply = await ask(isolated, target);
    assert.equal(reply.status, 404, target);
    assert.doesNotMatch(reply.body.toString(), /secret$/, target);
  }
});

test('a folder leads to its page, on this host', async () => {
  const reply = await ask(isolated, '/studies?a=1');
  assert.equal(reply.status, 301);
  assert.equal(reply.headers.location, '/studies/?a=1');
  assert.equal((await ask(isolated, '/studies/')).body.toString(), 'studies');
  assert.equal((await ask(isolated, '//studies')).headers.location, '/studies/');
});

test('HEAD answers without a body, other methods not at all', async () => {
  const head = await ask(isolated, '/core.wasm', {}, 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], String(wasm.length));
  assert.equal(head.body.length, 0);
  assert.equal((await ask(isolated, '/', {}, 'POST')).status, 405);
});
