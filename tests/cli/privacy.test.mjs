// Nothing leaves the machine: ONNX Runtime's own builds would keep and send records of their use.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, program} from './program.mjs';

test('a run leaves no records of its use behind', (t) => {
  const home = folder(t), output = join(folder(t), 'map.npy');
  const r = spawnSync(program, ['explain', '--model', fixture('model.onnx'), '--input', fixture('input.npy'), '--method', 'gradient',
                                '--target', 'predicted', '--output', output],
                      {encoding: 'utf8', env: {PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: home, TMPDIR: home}});
  assert.equal(r.status, 0, r.stderr);
  assert.deepEqual(readdirSync(home), []);
});
