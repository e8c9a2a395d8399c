// The core in its Worker in real Chromium: providers, and that they agree.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, test} from 'node:test';

import {launch, root, serveSite} from './chromium.mjs';

const network = (path) => readFileSync(join(root, 'tests', path)).toString('base64');
const model = network('golden/methods/grainnet/model.onnx');
// VGG-like with batch norms; plain with dense layers; numbers of channels and windows that GPU kernels treat apart.
const others = ['golden/methods/vggbn/model.onnx', 'golden/methods/plain/model.onnx', 'data/networks/narrow.onnx'];
const images = [1, 2].map((seed) => ({id: `k${seed}`, generate: {species: 'wheat', defect: 'pink-fusarium', seed}}));
// Every method that goes through the network.
const methods = [
  'gradient', 'input-x-gradient', 'guided-backprop', 'deconvolution', 'fullgrad', 'grad-cam', 'grad-cam-plus-plus', 'layer-cam',
  'eigen-cam', 'score-cam', 'guided-grad-cam', 'deeplift', 'deeplift-shap', 'lrp-epsilon', 'lrp-gamma', 'lrp-epsilon-plus',
  'lrp-epsilon-plus-flat', 'lrp-epsilon-gamma-box', 'lrp-epsilon-alpha2-beta1', 'lrp-epsilon-alpha2-beta1-flat',
  'excitation-backprop', 'lrp-custom'
];
const kinds = ['gradient', 'guided-backprop', 'fullgrad', 'grad-cam', 'score-cam', 'deeplift', 'lrp-epsilon-plus-flat',
               'lrp-epsilon-gamma-box', 'lrp-epsilon-alpha2-beta1', 'excitation-backprop'];

let plain, gpu, isolated, open;

before(async () => {
  [plain, gpu, isolated, open] =
      await Promise.all([launch(), launch({webgpu: true}), serveSite(), serveSite({isolate: false})]);
});
after(async () => {
  await Promise.all([plain?.close(), gpu?.close()]);
  await Promise.all([isolated?.close(), open?.close()]);
});

/**
 * Runs methods on networks and images through the Worker of a fresh page. jobs: {names, of, bytes}, all of them optional.
 * Maps as arrays, with what the runtime says and what the page logged.
 */
async function run(browser, site, init, jobs = [{}]) {
  const page = await browser.newPage();
  const log = [];
  page.on('console', (message) => log.push(message.text()));
  await page.goto(new URL('core_client.js', site.url).href);
  const result = await page.evaluate(async ({init, jobs}) => {
    const {startCore} = await import('/core_client.js');
    const core = startCore();
    const {json: {runtime}} = await core.request('init', init);
    const maps = {};
    for (const [k, {bytes, names, of}] of jobs.entries()) {
      const {buffer} = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
      const {json: {model}} = await core.request('add-model', {name: `network${k}.onnx`}, {buffer});
      await core.request('study', {study: {kernelscope: 1, model, images: of}});
      for (const name of names)
        for (const {id} of of) {
          const {json, buffer: values} = await core.request('explain', {image: id, method: {name}});
          maps[`${k} ${name} ${id}`] = {shape: json.shape, values: Array.from(new Float32Array(values))};
        }
    }
    core.stop();
    return {runtime, maps};
  }, {init, jobs: jobs.map(({names = methods, of = images, bytes = model}) => ({names, of, bytes}))});
  await page.close();
  return {...result, log};
}

function assertSame(a, b, tolerance) {
  assert.deepEqual(Object.keys(a.maps), Object.keys(b.maps));
  for (const key of Object.keys(a.maps)) {
    const x = a.maps[key].values, y = b.maps[key].values;
    assert.deepEqual(a.maps[key].shape, b.maps[key].shape);
    const peak = x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const worst = x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i])), 0);
    assert.ok(peak > 0, `${key} is all zero`);
    assert.ok(worst <= tolerance * peak, `${key}: differs by ${worst / peak} of the maximum`);
  }
}

let reference;

test('cross-origin isolated: WebAssembly with threads, and it says why', async () => {
  reference = await run(plain, isolated, {provider: 'wasm'});
  assert.equal(reference.runtime.provider, 'wasm');
  assert.ok(reference.runtime.threads > 1, reference.runtime.reason);
  assert.match(reference.runtime.reason, /thread/);
});

test('not isolated: one thread, and the same numbers', async () => {
  const single = await run(plain, open, {});
  assert.equal(single.runtime.threads, 1);
  assert.match(single.runtime.reason, /not cross-origin isolated/);
  assertSame(reference, single, 1e-5);
});

test('WebGPU gives what WebAssembly gives, for every method through the network, with every node on the GPU', {timeout: 900000}, async () => {
  // On further networks one image, and a method for each kind of node: what may differ is how their nodes run.
  const jobs = [{}, ...others.map((path) => ({bytes: network(path), names: kinds, of: images.slice(0, 1)}))];
  const expected = await run(plain, isolated, {provider: 'wasm'}, jobs);
  const result = await run(gpu, isolated, {provider: 'webgpu', placements: true}, jobs);
  assert.equal(result.runtime.provider, 'webgpu');
  assertSame(expected, result, 1e-3);
  const placements = result.log.filter((line) => /nodes? placed on/i.test(line));
  // A session for each network's methods: of no network may the log be silent.
  const sessions = new Set(Object.keys(result.maps).map((key) => key.replace(/ \S+$/, ''))).size;
  assert.ok(placements.length >= sessions, `the log says where nodes are placed in ${placements.length} of ${sessions} sessions`);
  for (const line of placements) assert.match(line, /WebGpuExecutionProvider/, line);
});

test('a software adapter is not taken for a GPU by itself', async () => {
  const result = await run(gpu, isolated, {}, [{names: ['gradient']}]);
  assert.equal(result.runtime.provider, 'wasm');
  assert.match(result.runtime.reason, /software/);
});

test('bad input is one sentence, and the core lives on', async () => {
  const page = await plain.newPage();
  await page.goto(new URL('core_client.js', isolated.url).href);
  const errors = await page.evaluate(async ({model, images}) => {
    const {startCore} = await import('/core_client.js');
    const core = startCore();
    const out = {};
    const attempt = async (name, ...request) => {
      out[name] = await core.request(...request).then(() => 'no error', (e) => e.message);
    };
    const text = (s) => ({buffer: new TextEncoder().encode(s).buffer});
    const bytes = Uint8Array.from(atob(model), (c) => c.charCodeAt(0));
    await attempt('no image', 'add-image', {name: 'a.txt'}, text('hello'));
    await attempt('cut model', 'add-model', {name: 'cut.onnx'}, {buffer: bytes.slice(0, 5000).buffer});
    await attempt('missing model', 'study', {study: {kernelscope: 1, model: {builtin: 'nowhere'}, images}});
    await attempt('unknown method', 'study',
                  {study: {kernelscope: 1, model: {file: 'm.onnx'}, images, methods: [{name: 'gradeint'}]}});
    const {json: {model: entry}} = await core.request('add-model', {name: 'm.onnx'}, {buffer: bytes.buffer});
    await core.request('study', {study: {kernelscope: 1, model: entry, images}});
    await attempt('unknown image', 'explain', {image: 'zz', method: {name: 'gradient'}});
    await attempt('parameter', 'explain', {image: 'k1', method: {name: 'integrated-gradients', params: {steps: 0}}});
    await attempt('alive', 'explain', {image: 'k1', method: {name: 'gradient'}});
    core.stop();
    return out;
  }, {model, images});
  await page.close();
  assert.match(errors['no image'], /a\.txt.*no image/);
  assert.match(errors['cut model'], /cut\.onnx.*damaged/);
  assert.match(errors['missing model'], /nowhere/);
  assert.match(errors['unknown method'], /did you mean 'gradient'/);
  assert.match(errors['unknown image'], /zz/);
  assert.match(errors.parameter, /steps.*from 1 to/);
  assert.equal(errors.alive, 'no error');
});

test('a long computation can be cancelled', async () => {
  const page = await plain.newPage();
  await page.goto(new URL('core_client.js', isolated.url).href);
  const outcome = await page.evaluate(async ({model, images}) => {
    const {startCore} = await import('/core_client.js');
    const core = startCore();
    const bytes = Uint8Array.from(atob(model), (c) => c.charCodeAt(0));
    const {json: {model: entry}} = await core.request('add-model', {name: 'm.onnx'}, {buffer: bytes.buffer});
    await core.request('study', {study: {kernelscope: 1, model: entry, images}});
    let heard = 0;
    const long = core.request('explain', {image: 'k1', method: {name: 'integrated-gradients', params: {steps: 1000}}},
                              {progress: (f) => ++heard === 1 && long.cancel()});
    const error = await long.then(() => null, (e) => ({message: e.message, cancelled: e.cancelled}));
    const next = await core.request('explain', {image: 'k2', method: {name: 'gradient'}});
    core.stop();
    return {heard, error, next: next.json.ok};
  }, {model, images});
  await page.close();
  assert.ok(outcome.heard >= 1, 'no progress was reported');
  assert.ok(outcome.error?.cancelled, 'it was not cancelled');
  assert.ok(outcome.next);
});
