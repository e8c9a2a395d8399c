// Bad input costs one clear sentence and exit status 2, and nothing that was there before.
import assert from 'node:assert/strict';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, png, root, run} from './program.mjs';

/** One sentence on stderr that matches, status 2, and the earlier output untouched. */
function refused(t, pattern, ...args) {
  const output = join(folder(t), 'earlier.npy');
  writeFileSync(output, 'earlier result');
  const r = run(...args, ...(args[0] === 'explain' ? ['--output', output] : []));
  assert.equal(r.status, 2, r.err);
  assert.equal(r.err.trim().split('\n').length, 1, `not one line: ${r.err}`);
  assert.match(r.err, pattern);
  assert.equal(readFileSync(output, 'utf8'), 'earlier result');
}

const explain = (more, model = fixture('model.onnx')) => ['explain', '--model', model, '--method', 'gradient', ...more];

function written(t, name, bytes) {
  const path = join(folder(t), name);
  writeFileSync(path, bytes);
  return path;
}

test('a file that is no image', (t) =>
  refused(t, /notes\.jpg: the file is no image/, ...explain(['--image', written(t, 'notes.jpg', 'hello')])));

test('an image of 1x1', (t) =>
  refused(t, /dot\.png.*1x1/, ...explain(['--image', written(t, 'dot.png', png({width: 1, height: 1}))])));

test('an image of 20000x20000 is refused before its pixels are decoded', (t) =>
  refused(t, /20000x20000/, ...explain(['--image', written(t, 'huge.png', png({width: 20000, height: 20000, rows: 1}))])));

test('an image that is cut off', (t) => {
  const whole = png({width: 64, height: 64, pixel: (x, y) => [x * y, x ^ y, y * 31]});
  refused(t, /cut\.png/, ...explain(['--image', written(t, 'cut.png', whole.subarray(0, whole.length / 2))]));
});

for (const [name, options] of [['16-bit', {depth: 16}], ['with alpha', {colour: 6}], ['grey', {colour: 0}]])
  test(`a PNG that is ${name} is explained`, (t) => {
    const output = join(folder(t), 'map.npy');
    const r = run(...explain(['--image', written(t, 'a.png', png({width: 40, height: 30, ...options})), '--output', output]));
    assert.equal(r.status, 0, r.err);
    assert.ok(existsSync(output));
  });

test('a CMYK JPEG is explained', (t) => {
  const output = join(folder(t), 'map.png');
  const r = run(...explain(['--image', join(root, 'tests/data/pictures/cmyk.jpg'), '--output', output]));
  assert.equal(r.status, 0, r.err);
});

test('an ONNX file that is cut off', (t) => {
  const bytes = readFileSync(fixture('model.onnx'));
  refused(t, /cut\.onnx.*damaged/, ...explain(['--input', fixture('input.npy')], written(t, 'cut.onnx', bytes.subarray(0, 9000))));
});

test('an ONNX file with an unknown op, which is named', (t) => {
  const bytes = readFileSync(fixture('model.onnx'));
  // Field 4 (op_type) of a node, 17 bytes long.
  const at = bytes.indexOf(Buffer.from('\x22\x11GlobalAveragePool', 'latin1'));
  assert.ok(at > 0);
  bytes.write('GlobalAverageFool', at + 2, 'latin1');
  refused(t, /GlobalAverageFool/, ...explain(['--input', fixture('input.npy')], written(t, 'odd.onnx', bytes)));
});

test('a target out of range', (t) =>
  refused(t, /target 7 is out of range.*0 to 1/, ...explain(['--input', fixture('input.npy'), '--target', '7'])));

test('an unknown method has a suggestion', (t) =>
  refused(t, /did you mean 'gradient'/, 'explain', '--model', fixture('model.onnx'), '--method', 'gradeint', '--input',
          fixture('input.npy')));

test('a parameter out of range, and one that does not exist', (t) => {
  const ig = ['explain', '--model', fixture('model.onnx'), '--input', fixture('input.npy'), '--method', 'integrated-gradients'];
  refused(t, /'steps'.*from 1 to/, ...ig, '--param', 'steps=0');
  refused(t, /no parameter 'stepz'/, ...ig, '--param', 'stepz=3');
});

test('no command, an unknown command, a missing file', (t) => {
  refused(t, /did you mean 'explain'/, 'explian');
  refused(t, /no such file/, ...explain(['--image', '/nowhere/kernel.jpg']));
});
