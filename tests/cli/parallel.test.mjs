// One study computed by several: shards that are merged, and processes of mpirun. Numbers must be the same bit for bit.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, program, run} from './program.mjs';

const study = {
  kernelscope: 1,
  model: {file: fixture('model.onnx')},
  // The network finds one class in the first two and another in the others, so that focus can make its mosaics.
  images: [2, 3, 4, 7].map((seed) => ({id: `k${seed}`, generate: {seed, size: 64}})),
  methods: ['gradient', 'random', 'lrp-epsilon-plus-flat', 'smoothgrad'],
  metrics: ['sparseness', 'pixel-flipping', 'max-sensitivity', 'focus'],
};

function computed(t) {
  const where = folder(t), path = join(where, 'study.json'), out = (name) => join(where, name);
  writeFileSync(path, JSON.stringify(study));
  const r = run('run', path, '--output', out('alone'), '--maps', '--keep-cells', '--threads', '1');
  assert.equal(r.status, 0, r.err);
  assert.match(readFileSync(join(out('alone'), 'scores.csv'), 'utf8'), /^k\d,gradient,focus,0\.\d+/m);
  return {path, out};
}

function assertSame(a, b) {
  const bytes = (...at) => readFileSync(join(...at));
  assert.ok(bytes(a, 'scores.csv').equals(bytes(b, 'scores.csv')), 'scores.csv');
  const maps = readdirSync(join(a, 'maps'));
  assert.equal(maps.length, 16);
  for (const map of maps) assert.ok(bytes(a, 'maps', map).equals(bytes(b, 'maps', map)), map);
}

test('shards merge into the same numbers', (t) => {
  const {path, out} = computed(t);
  const shards = [1, 2, 3, 4, 5].map((i) => out(`shard${i}`));
  const merged = (...folders) => run('merge', path, ...folders, '--output', out('merged'), '--maps', '--threads', '1');
  for (let i = 1; i <= 5; ++i) {
    const r = run('run', path, '--output', shards[i - 1], '--shard', `${i}/5`, '--threads', '1');
    assert.equal(r.status, 0, r.err);
  }
  // Nothing is left to compute for whoever merges.
  const cells = (where) => readdirSync(join(where, 'cells'), {recursive: true});
  const there = new Set(shards.flatMap(cells));
  assert.deepEqual(cells(out('alone')).filter((cell) => !there.has(cell)), []);
  const refused = (r, pattern) => {
    assert.equal(r.status, 2);
    assert.match(r.err, pattern);
  };
  refused(merged(...shards.slice(1)), /shard 1\/5 is missing/);
  refused(merged(out('alone')), /alone: holds no shard/);
  refused(run('run', path, '--output', out('x'), '--shard', '6/5'), /'6\/5' is no part of a whole/);
  const other = out('other.json');
  writeFileSync(other, JSON.stringify({...study, seed: 5}));
  refused(run('merge', other, ...shards, '--output', out('y')), /is a shard of another study/);
  const r = merged(...shards);
  assert.equal(r.status, 0, r.err);
  assertSame(out('alone'), out('merged'));
});

const launcher = spawnSync('mpirun', ['--version']);
const hasMpi = () => run('run', '--help').out.includes('mpirun');
const skip = launcher.error ? 'mpirun is not installed' : hasMpi() ? false : 'the program was built without MPI';

test('processes of mpirun give the same numbers', {skip}, (t) => {
  const {path, out} = computed(t);
  const mpirun = (...args) =>
    spawnSync('mpirun', ['--allow-run-as-root', '--oversubscribe', '-n', '3', program, ...args],
              {encoding: 'utf8', env: {...process.env, OMPI_MCA_rmaps_base_oversubscribe: '1'}});
  const r = mpirun('run', path, '--output', out('mpi'), '--maps', '--threads', '1');
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stderr, /3 processes on 1 host did \d\.\d\d times/);
  assertSame(out('alone'), out('mpi'));
  const {seconds, runtime_seconds} = JSON.parse(readFileSync(join(out('mpi'), 'results.json'), 'utf8'));
  assert.ok(runtime_seconds > 0 && runtime_seconds <= seconds, `${runtime_seconds} of ${seconds} s in ONNX Runtime`);

  const wrong = mpirun('run', out('nothing.json'), '--output', out('x'));
  assert.equal(wrong.status, 2);
  assert.equal(wrong.stderr.split('nothing.json: cannot be read').length, 2, 'told once, not by every process');
});
