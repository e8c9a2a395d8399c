// The page as a visitor has it: heatmaps computed in it equal the native ones, the view changes at once, a link brings the
// same study back, a photograph can be dropped, bad input is one sentence.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';

import {launch, root, serveSite} from './chromium.mjs';

const viewport = {width: 1440, height: 900};
const builtIn = JSON.parse(readFileSync(join(root, 'web/studies/pink-fusarium.json')));
// What is compared with the native run: two of the kernels and every method, the costly ones with fewer samples, so that
// one WebAssembly thread is done in a minute, too.
const fewer = {'integrated-gradients': {steps: 8}, occlusion: {window: 32, stride: 32}, lime: {samples: 48}};
const coarse = {'pixel-flipping': {features_in_step: 3136}};
const small = {...builtIn, title: 'Two kernels',
               metrics: builtIn.metrics.filter((m) => m.name !== 'max-sensitivity').map((m) => ({...m, params: coarse[m.name] ?? {}})),
               images: builtIn.images.slice(0, 2), methods: builtIn.methods.map((m) => ({...m, params: fewer[m.name] ?? {}}))};

let browser, site, scratch, native, smallLink;

/** Runs the native program; its output. */
function program(...args) {
  const run = spawnSync(join(root, 'build/native/kernelscope'), args, {encoding: 'utf8', cwd: root});
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trim();
}

/** The raw values of a float32 .npy file. */
function readNpy(path) {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'kernelscope-page-'));
  const study = join(scratch, 'study.json');
  writeFileSync(study, JSON.stringify(small));
  program('run', study, '--output', join(scratch, 'native'), '--maps', '--quiet');
  native = join(scratch, 'native/maps');
  [browser, site] = await Promise.all([launch(), serveSite()]);
  smallLink = program('study', 'url', study, '--base', site.url);
});
after(async () => {
  await browser?.close();
  await site?.close();
  rmSync(scratch, {recursive: true, force: true});
});

/** A page in a browser context of its own, with the app started. */
async function open(fragment = '') {
  const context = await browser.newContext({viewport, permissions: ['clipboard-read', 'clipboard-write']});
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(error.message));
  await page.goto(site.url + fragment);
  await page.evaluate(() => window.kernelscopeReady);
  return page;
}

const state = async (page) => JSON.parse(await page.evaluate(() => window.kernelscope.state()));

async function until(page, what, condition, seconds = 240) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const s = await state(page);
    if (condition(s)) return s;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s; ${JSON.stringify({...s, study: undefined, cells: undefined})}`);
    await page.waitForTimeout(200);
  }
}

const explained = (s) => s.phase === 'ready' && s.cells.length > 0 && s.cells.every((c) => c.state === 'done');

/** A click on a control the app draws, by its name. */
async function click(page, name) {
  await page.waitForFunction((n) => n in window.kernelscope.widgets(), name, {timeout: 10000});
  const r = await page.evaluate((n) => window.kernelscope.widgets()[n], name);
  const [x, y] = Array.isArray(r) ? [r[0] + r[2] / 2, r[1] + r[3] / 2] : [r.x + r.width / 2, r.y + r.height / 2];
  await page.mouse.move(x, y);
  await page.waitForTimeout(100);
  await page.mouse.down();
  await page.waitForTimeout(60);
  await page.mouse.up();
  await page.waitForTimeout(200);
}

const pixels = async (page) => (await page.screenshot()).toString('base64');

test('the page opens with the built-in study and fills its grid', {timeout: 300000}, async () => {
  const page = await open();
  const s = await until(page, 'the first kernel\'s heatmaps',
                        (now) => now.phase === 'ready' && now.cells.length > 0 &&
                            now.cells.filter((c) => c.image === builtIn.images[0].id).every((c) => c.state === 'done'));
  assert.equal(s.study.title, builtIn.title);
  assert.equal(s.images.length, builtIn.images.length);
  for (const image of s.images) assert.ok(Math.abs(image.probabilities.reduce((a, b) => a + b) - 1) < 1e-4);
  assert.match(s.runtime.reason, /thread/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a link made by the native program: equal heatmaps; the view changes at once; a shared link brings it all back',
     {timeout: 900000}, async () => {
  const page = await open(smallLink.slice(smallLink.indexOf('#')));
  const ready = await until(page, 'heatmaps', (s) => s.study.title === small.title && explained(s), 400);
  for (const {id} of small.images)
    for (const [m, method] of small.methods.entries()) {
      const map = await page.evaluate(([i, k]) => {
        const h = window.kernelscope.heatmap(i, k);
        return {shape: h.shape, values: Array.from(h.data)};
      }, [id, m]);
      const expected = readNpy(join(native, `${id}.${method.name}.npy`));
      assert.equal(map.values.length, expected.length, method.name);
      let peak = 0, worst = 0;
      for (let k = 0; k < expected.length; ++k) {
        peak = Math.max(peak, Math.abs(expected[k]));
        worst = Math.max(worst, Math.abs(expected[k] - map.values[k]));
      }
      assert.ok(peak > 0, `${id} ${method.name} is all zero`);
      assert.ok(worst <= 1e-3 * peak, `${id} ${method.name}: differs by ${worst / peak} of the maximum`);
    }
  assert.equal(ready.images.length, small.images.length);

  const scored = await until(page, 'scores', (s) => s.work.finished, 400);
  // How far the order holds is what the report says of it.
  const {monte_carlo: redrawn} = JSON.parse(readFileSync(join(native, '../results.json'))).certainty;
  assert.equal(scored.redrawn.draws, redrawn.draws);
  for (const {method, first} of redrawn.methods) {
    const here = scored.redrawn.first[small.methods.findIndex((m) => m.name === method)];
    assert.ok(Math.abs(here - first) < 0.02, `${method}: first in ${here} of the orders here, in ${first} natively`);
  }
  mkdirSync(join(root, 'build/screenshots'), {recursive: true});
  await page.waitForTimeout(500);
  await page.screenshot({path: join(root, 'build/screenshots/page.png')});

  // Another normalisation: other colours, nothing computed again.
  const serials = (s) => s.cells.map((c) => c.serial).join();
  const before = await state(page), picture = await pixels(page);
  const other = 'max-abs-study';
  assert.notEqual(before.study.view.normalisation, other);
  await page.evaluate((name) => window.kernelscope.set('/view/normalisation', name), other);
  await page.waitForTimeout(400);
  const changed = await state(page);
  assert.equal(changed.study.view.normalisation, other);
  assert.equal(serials(changed), serials(before));
  assert.notEqual(await pixels(page), picture);

  // A parameter: only its column.
  const column = small.methods.findIndex((m) => m.name === 'integrated-gradients');
  await page.evaluate((m) => window.kernelscope.set(`/methods/${m}/params`, {steps: 5}), column);
  await page.waitForTimeout(300);
  const again = await until(page, 'the changed column', explained);
  for (const [k, cell] of again.cells.entries())
    assert.equal(cell.serial === changed.cells[k].serial, cell.method !== column, `cell ${cell.image} ${cell.method}`);

  // Share, and open the link where nothing is remembered.
  await click(page, 'share');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#s=[\w-]+$/);
  const shared = (await state(page)).study;
  assert.deepEqual(page.faults, []);
  const visitor = await open(link.slice(link.indexOf('#')));
  const there = await until(visitor, 'the shared study', explained);
  assert.deepEqual(there.study, shared);
  assert.equal(there.study.view.normalisation, other);
  assert.equal(there.study.methods[column].params.steps, 5);
  assert.deepEqual(visitor.faults, []);
  await visitor.context().close();

  // A cut link: one sentence, and the study that was there stays.
  await page.evaluate((fragment) => { location.hash = fragment; }, link.slice(link.indexOf('#'), -9));
  const cut = await until(page, 'the sentence', (s) => s.banners.length > 0, 20);
  assert.match(cut.banners[0], /cut off|changed/);
  assert.deepEqual(cut.study, shared);
  await page.context().close();
});

test('a photograph of one\'s own, files that are none, a damaged network', {timeout: 300000}, async () => {
  const page = await open();
  await until(page, 'the study', (s) => s.phase === 'ready');
  const openFile = (name, bytes) => page.evaluate(([n, b]) => {
    window.kernelscope.openFile(n, Uint8Array.from(atob(b), (c) => c.charCodeAt(0)));
  }, [name, Buffer.from(bytes).toString('base64')]);
  const count = (await state(page)).images.length;

  await openFile('kernel.jpg', readFileSync(join(root, 'tests/data/pictures/quadrants.jpg')));
  const added = await until(page, 'the photograph',
                            (s) => s.images.length === count + 1 && s.images.at(-1).state === 'done');
  assert.equal(added.images.at(-1).id, 'kernel');

  for (const [name, bytes, pattern] of [['notes.jpg', 'no picture', /notes\.jpg.*no image/],
                                        ['cut.onnx', readFileSync(join(root, 'models/pink-fusarium.onnx')).subarray(0, 4000), /cut\.onnx.*damaged/]]) {
    await openFile(name, bytes);
    const s = await until(page, name, (now) => now.banners.some((b) => pattern.test(b)), 30);
    assert.equal(s.images.length, count + 1);
    assert.equal(s.phase, 'ready');
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
