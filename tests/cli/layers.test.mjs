// `kernelscope layers`: relevance at every tensor, with what each node loses.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, run} from './program.mjs';

test('layers: from the logits to the image, conserved without biases', (t) => {
  const output = join(folder(t), 'layers.json');
  const r = run('layers', '--model', fixture('model.onnx'), '--input', fixture('input.npy'), '--target', '1', '--method', 'lrp-epsilon-plus',
                '--param', 'zero_params=bias', '--output', output, '--json');
  assert.equal(r.status, 0, r.err);
  const {layers} = JSON.parse(readFileSync(output, 'utf8'));
  assert.equal(JSON.parse(r.out).layers.length, layers.length);
  assert.equal(layers[0].name, 'logits');
  assert.deepEqual(layers[0].total, [1, 1, 1, 1]);
  const image = layers.at(-1);
  assert.deepEqual(image.map.shape, [4, 1, 32, 32]);
  assert.deepEqual(image.channels.shape, [4, 3]);
  for (const layer of layers)
    for (const error of layer.conservation_error ?? []) assert.ok(Math.abs(error) < 1e-3, `${layer.name} loses ${error}`);
  for (const total of image.total) assert.ok(Math.abs(total - 1) < 1e-2, `${total} arrives at the image`);
  const values = image.map.values.slice(0, 32 * 32).reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(values - image.total[0]) < 1e-4);
});

test('layers: a method that has none is told, with those that have', (t) => {
  const r = run('layers', '--model', fixture('model.onnx'), '--input', fixture('input.npy'), '--target', '1', '--method', 'occlusion',
                '--output', join(folder(t), 'layers.json'));
  assert.equal(r.status, 2);
  assert.match(r.err, /'occlusion' gives no attributions of layers; these do: gradient, /);
});
