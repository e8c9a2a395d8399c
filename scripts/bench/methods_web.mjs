// What scripts/bench/methods-web runs: the core in its Worker, in Chromium, asked to time its methods.
import {readFileSync} from 'node:fs';
import {basename} from 'node:path';
import {parseArgs} from 'node:util';

import {launch, serveSite} from '../../tests/web/chromium.mjs';

const {values: options} = parseArgs({
  options: {model: {type: 'string'}, method: {type: 'string', multiple: true}, repeats: {type: 'string', default: '15'}},
});
const model = readFileSync(options.model);
// What the native table measures (bench_parameters of src/cli/bench_methods.cpp).
const parameters = {lime: {samples: 256}, 'integrated-gradients': {steps: 32}};

const site = await serveSite();
const browser = await launch();
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  await page.route('**/measured.onnx', (route) => route.fulfill({body: model}));
  await page.goto(new URL('core_client.js', site.url).href);

  const {runtime, names} = await page.evaluate(async (name) => {
    const {startCore} = await import('/core_client.js');
    const core = globalThis.core = startCore();
    const {json: {runtime, registries}} = await core.request('init', {provider: 'wasm'});
    const buffer = await (await fetch('/measured.onnx')).arrayBuffer();
    const {json: {model}} = await core.request('add-model', {name}, {buffer});
    const images = [{id: 'kernel', generate: {species: 'wheat', defect: 'pink-fusarium', seed: 1}}];
    await core.request('study', {study: {kernelscope: 1, model, images}});
    return {runtime, names: registries.methods.map((method) => method.name)};
  }, basename(options.model));
  console.log(`${basename(options.model)}, ONNX Runtime ${runtime.version}, ${runtime.provider}, threads: ${runtime.threads}`);

  const row = (name, ...cells) => console.log(name.padEnd(32) + cells.map((cell, i) => cell.padStart(i < 3 ? 13 : 15)).join(''));
  row('method', 'forward ms', 'method ms', 'forwards', 'first run, fw');
  for (const name of options.method ?? names) {
    const {forward, method, first} = await page.evaluate(
        ({name, params, repeats}) => globalThis.core.request('time', {image: 'kernel', method: {name, params}, repeats}).then(({json}) => json),
        {name, params: parameters[name] ?? {}, repeats: Number(options.repeats)});
    row(name, forward.toFixed(2), method.toFixed(2), (method / forward).toFixed(2), (first / forward).toFixed(1));
  }
} finally {
  await browser.close();
  await site.close();
}
