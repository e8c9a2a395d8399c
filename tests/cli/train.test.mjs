// Training on the command line: from generated kernels to a scored model, interrupted and resumed.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, png, program, run} from './program.mjs';

function refused(r, pattern) {
  assert.equal(r.status, 2, r.err);
  assert.equal(r.err.trim().split('\n').length, 1, `not one line: ${r.err}`);
  assert.match(r.err, pattern);
}

function kernels(t, count = 16) {
  const data = join(folder(t), 'data');
  const r = run('generate', '--output', data, '--defect', 'none', '--defect', 'pink-fusarium', '--count', `${count}`,
                '--size', '64', '--validation-share', '0.2', '--quiet');
  assert.equal(r.status, 0, r.err);
  return data;
}

const options = (data, output, epochs, width = 16) =>
    ['train', '--data', data, '--output', output, '--width', `${width}`, '--blocks', '1', '--size', '64', '--batch', '8',
     '--epochs', `${epochs}`];

/** Starts a training and interrupts it when `epochs` of them are finished. */
function interrupted(args, epochs) {
  return new Promise((resolve) => {
    const child = spawn(program, args);
    let err = '';
    child.stderr.on('data', (text) => {
      err += text;
      // Once: a second Ctrl-C ends the program at once.
      if (!child.killed && (err.match(/^epoch /mg) ?? []).length >= epochs) child.kill('SIGINT');
    });
    child.on('close', (status) => resolve({status, err}));
  });
}

test('a training that is interrupted and resumed ends with the same model', async (t) => {
  const data = kernels(t), whole = join(folder(t), 'whole'), broken = join(folder(t), 'broken'), epochs = 40;
  const r = run(...options(data, whole, epochs), '--json');
  assert.equal(r.status, 0, r.err);
  const report = JSON.parse(r.out);
  assert.equal(report.epochs.length, epochs);

  const stopped = await interrupted(options(data, broken, epochs), 3);
  assert.equal(stopped.status, 130, stopped.err);
  const done = JSON.parse(readFileSync(join(broken, 'training.json'), 'utf8')).epochs.length;
  assert.ok(done >= 3 && done < epochs, `${done} epochs were done`);
  refused(run(...options(data, broken, epochs)), /holds a training already; add --resume/);
  refused(run(...options(data, broken, epochs), '--resume', '--momentum', '0.5'), /differs in 'optimizer\/momentum'/);
  const resumed = run(...options(data, broken, epochs), '--resume');
  assert.equal(resumed.status, 0, resumed.err);
  assert.match(resumed.err, new RegExp(`; ${done} epochs are done`));
  for (const file of ['model.onnx', 'checkpoint.onnx', 'training.json'])
    assert.ok(readFileSync(join(whole, file)).equals(readFileSync(join(broken, file))), `${file} differs`);

  // The model scores itself on the test split, and knows its classes.
  const score = run('predict', '--model', join(whole, 'model.onnx'), '--data', data, '--json');
  assert.equal(score.status, 0, score.err);
  const {accuracy, images, confusion, wrong} = JSON.parse(score.out);
  assert.deepEqual(Object.keys(confusion), ['healthy', 'pink-fusarium']);
  assert.equal(wrong.length, Math.round(images * (1 - accuracy)));
  const one = JSON.parse(run('predict', '--model', join(whole, 'model.onnx'), '--image',
                             join(data, 'images/000000-healthy.png'), '--json').out).predictions[0];
  assert.ok(['healthy', 'pink-fusarium'].includes(one.class));
  assert.ok(Math.abs(one.probabilities.healthy + one.probabilities['pink-fusarium'] - 1) < 1e-5);
});

test('a folder with one folder of pictures per class is data, too', (t) => {
  const data = folder(t), output = join(folder(t), 'run');
  for (const [name, red] of [['dark', 20], ['light', 220]]) {
    mkdirSync(join(data, name));
    for (let k = 0; k < 10; ++k)
      writeFileSync(join(data, name, `${k}.png`), png({width: 40, height: 30, pixel: (x, y) => [red + k, x * 3, y * 3]}));
  }
  const r = run('train', '--data', data, '--output', output, '--width', '16', '--blocks', '1', '--size', '32', '--batch', '4',
                '--epochs', '8', '--quiet');
  assert.equal(r.status, 0, r.err);
  const score = JSON.parse(run('predict', '--model', join(output, 'model.onnx'), '--data', data, '--json').out);
  assert.equal(score.images, 20);
  assert.equal(score.accuracy, 1);
});

test('what cannot be trained on or scored is said in a sentence', (t) => {
  const data = kernels(t, 6), output = join(folder(t), 'run'), empty = folder(t);
  refused(run(...options(empty, output, 1)), /holds 0 folders with pictures/);
  refused(run(...options(join(empty, 'nowhere'), output, 1)), /cannot be read/);
  refused(run(...options(data, output, 1), '--classes', 'healthy,skined'), /skined/);
  refused(run(...options(data, output, 1), '--resume'), /holds no checkpoint to resume/);
  refused(run(...options(data, output, 1, 1)), /width 1 is out of range/);
  refused(run(...options(data, output, 0)), /epochs/);
  refused(run(...options(data, output, 1), '--arch', 'resnet'), /arch/);
  assert.ok(!existsSync(output), 'a refused training wrote something');
  mkdirSync(output);
  writeFileSync(join(output, 'checkpoint.onnx'), 'no checkpoint');
  refused(run(...options(data, output, 1), '--resume'), /checkpoint\.onnx/);
  refused(run('predict', '--model', fixture('model.onnx'), '--data', data), /class/);
  refused(run('predict', '--model', fixture('model.onnx')), /no input is given/);
});
