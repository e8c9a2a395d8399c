// Studies on the command line: run, interrupted and resumed, checked, put into links.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {fixture, folder, program, root, run} from './program.mjs';

/** A study of two kernels on a small network; `changes` replace its parts. */
function study(changes = {}) {
  return {
    kernelscope: 1,
    title: 'quick',
    model: {file: fixture('model.onnx')},
    images: [
      {id: 'a', generate: {defect: 'pink-fusarium', seed: 2, size: 64}},
      {id: 'b', generate: {seed: 3, size: 64}},
    ],
    methods: ['gradient', 'random', 'lrp-epsilon-plus-flat'],
    metrics: ['sparseness', 'relevance-rank-accuracy'],
    ...changes,
  };
}

function written(t, document) {
  const where = folder(t), path = join(where, 'study.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return {path, out: join(where, 'out'), where};
}

const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));

function refused(r, pattern) {
  assert.equal(r.status, 2, r.err);
  assert.equal(r.err.trim().split('\n').length, 1, `not one line: ${r.err}`);
  assert.match(r.err, pattern);
}

test('mistakes on the command line', () => {
  refused(run('studdy', 'x'), /there is no command 'studdy'; did you mean 'study'\?/);
  refused(run('run', 'x', '--output', 'y', '--no-such-option'), /--no-such-option/);
  refused(run('run'), /study is required/);
  refused(run('run', 'x', 'y', '--output', 'z'), /not expected: y/);
  refused(run('study'), /say url, from-url, check or schema/);
  refused(run('study', 'no-such-part'), /no-such-part/);
  refused(run('list', 'metrix'), /did you mean 'metrics'/);
  refused(run('list', 'methods', 'gradeint'), /did you mean 'gradient'/);
  assert.equal(run().status, 2);
  assert.match(run('--help').out, /^ {2}run /m);
  assert.match(run('run', '--help').out, /--output/);
  assert.match(run('--version').out, /^kernelscope \d/);
});

test('run writes results, scores, figures, maps and a report', (t) => {
  const {path, out} = written(t, study());
  const r = run('run', path, '--output', out, '--maps');
  assert.equal(r.status, 0, r.err);
  const results = readJson(out, 'results.json');
  assert.equal(results.complete, true);
  assert.ok(results.runtime_seconds > 0 && results.runtime_seconds <= results.seconds, `${results.runtime_seconds} of ${results.seconds} s`);
  assert.equal(results.images.length, 2);
  assert.deepEqual(results.methods.map((m) => m.id), ['gradient', 'random', 'lrp-epsilon-plus-flat']);
  const [sparseness, rank] = results.metrics;
  assert.equal(sparseness.scores.random.length, 2);
  assert.equal(typeof rank.scores.random[0], 'number');
  assert.equal(rank.scores.random[1], null, 'a healthy kernel has no damage to find');
  assert.deepEqual(new Set(results.ranking.methods.map((m) => m.method)), new Set(results.methods.map((m) => m.id)));
  const overall = results.ranking.methods.map((m) => m.overall);
  assert.deepEqual(overall, [...overall].sort((a, b) => a - b));
  assert.equal(results.certainty.monte_carlo.draws, 10000);
  assert.equal(results.certainty.controls.sparseness.verdict === 'unchecked', false);
  assert.deepEqual(Object.keys(results.ranking.methods[0].categories), ['complexity', 'localisation']);
  const lines = readFileSync(join(out, 'scores.csv'), 'utf8').trimEnd().split('\r\n');
  assert.equal(lines[0], 'image,method,metric,score,direction');
  assert.equal(lines.length, 1 + 3 * 3, 'three methods: sparseness of two images, rank accuracy of one');
  const [, , , score, direction] = lines[1].split(',');
  assert.equal(Number(score), sparseness.scores.gradient[0]);
  assert.equal(direction, 'higher');
  assert.deepEqual(readdirSync(join(out, 'figures')).sort(), ['a.png', 'all.png', 'all.svg', 'b.png', 'critical-difference.svg', 'order.svg']);
  assert.equal(readdirSync(join(out, 'maps')).length, 6);
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  assert.match(report, /data:image\/jpeg;base64,/);
  assert.match(report, /No link to share: model: is the file/);
  assert.match(report, /How certain is this order/);

  const again = run('rank', join(out, 'scores.csv'), '--json', '--monte-carlo', '200', '--seed', '3', '--weight', 'complexity=2');
  assert.equal(again.status, 0, again.err);
  assert.equal(JSON.parse(again.out).certainty.monte_carlo.draws, 200);
  assert.equal(run('rank', join(out, 'scores.csv'), '--json', '--monte-carlo', '200', '--seed', '3', '--weight', 'complexity=2').out, again.out);
  assert.match(run('rank', join(out, 'scores.csv')).out, /drawn anew 10000 times/);
  refused(run('rank', join(out, 'scores.csv'), '--weight', 'complexty=2'), /did you mean 'complexity'/);
  assert.ok(!existsSync(join(out, 'cells')));
});

test('a title is text in the report, whatever it says', (t) => {
  const {path, out} = written(t, study({title: '<script>alert("1")</script> & more', methods: ['gradient'], metrics: []}));
  assert.equal(run('run', path, '--output', out).status, 0);
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  assert.ok(!report.includes('<script'));
  assert.ok(report.includes('<h1>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more</h1>'));
});

test('the same study gives the same numbers twice, on any number of threads', (t) => {
  const {path, out} = written(t, study({methods: ['gradient', 'random', {name: 'lime', params: {samples: 64}}]}));
  assert.equal(run('run', path, '--output', out, '--threads', '1').status, 0);
  assert.equal(run('run', path, '--output', `${out}-2`, '--threads', '2').status, 0);
  const one = readJson(out, 'results.json').metrics, two = readJson(`${out}-2`, 'results.json').metrics;
  for (const [k, metric] of one.entries())
    for (const [method, scores] of Object.entries(metric.scores))
      for (const [i, score] of scores.entries())
        if (score !== null) assert.ok(Math.abs(score - two[k].scores[method][i]) <= 1e-3, `${metric.id} of ${method}`);
});

for (const [what, document, pattern] of [
  ['nothing', '', /study\.json: is no valid JSON from line 1, column 1/],
  ['half an object', '{', /study\.json: is no valid JSON/],
  ['a list', '[]', /the study is no JSON object/],
  ['an unknown method', study({methods: ['gradeint']}), /methods\[0\]: there is no method 'gradeint'; did you mean 'gradient'\?/],
  ['a parameter out of range', study({methods: [{name: 'integrated-gradients', params: {steps: 0}}]}), /methods\[0\]: .*'steps' is 0/],
  ['an unknown metric', study({metrics: ['sparsness']}), /metrics\[0\]: .*did you mean 'sparseness'/],
  ['an unknown key', study({methodz: []}), /unknown key 'methodz'; did you mean 'methods'/],
  ['a newer version', study({kernelscope: 99}), /kernelscope: the study is of version 99/],
  ['a model that is not there', study({model: {file: 'no-model.onnx'}}), /no-model\.onnx: cannot be read/],
  ['a built-in model that does not exist', study({model: {builtin: 'pink'}}), /there is no built-in model 'pink'/],
  ['a target out of range', study({target: 5}), /target: is class 5, but the model has 2 classes/],
  ['an unknown class', study({target: 'spoon'}), /target: the model has no class 'spoon'/],
  ['a seed out of range', study({images: [{id: 'a', generate: {seed: -2}}]}), /images\[0\]: generate 'seed' is -2/],
])
  test(`a study that is, or has, ${what}`, (t) => {
    const {path, out} = written(t, document);
    refused(run('run', path, '--output', out), pattern);
    assert.ok(!existsSync(join(out, 'results.json')));
    if (!/not there|does not exist|target|class/.test(what)) refused(run('study', 'check', path), pattern);
  });

test('one picture that is none does not spoil the rest, but the exit status tells', (t) => {
  const pictures = study().images;
  const {path, out, where} = written(t, study({images: [{id: 'notes', file: 'notes.jpg'}, ...pictures]}));
  writeFileSync(join(where, 'notes.jpg'), 'no picture');
  const r = run('run', path, '--output', out);
  assert.equal(r.status, 2);
  assert.match(r.err, /image 'notes': the file is no image/);
  const results = readJson(out, 'results.json');
  assert.match(results.images[0].error, /no image/);
  assert.equal(typeof results.metrics[0].scores.gradient[1], 'number');
});

test('an interrupted run ends with 130, keeps what it has, and goes on where it stopped', async (t) => {
  const slow = {name: 'lime', params: {samples: 4000, segments: 20}};
  const {path, out} = written(t, study({methods: ['gradient', slow], metrics: ['sparseness']}));
  const child = spawn(program, ['run', path, '--output', out], {stdio: ['ignore', 'ignore', 'pipe']});
  let err = '';
  child.stderr.on('data', (text) => { err += text; });
  const cells = join(out, 'cells');
  const poll = setInterval(() => {
    if (!existsSync(cells) || readdirSync(cells).length < 2) return;
    clearInterval(poll);
    child.kill('SIGINT');
  }, 5);
  const status = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(poll);
  assert.equal(status, 130, err);
  assert.match(err, /^kernelscope: interrupted/);
  assert.equal(readJson(out, 'results.json').complete, false);
  assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /was interrupted/);
  const kept = readdirSync(cells).length;
  assert.ok(kept >= 2 && kept < 8, `${kept} cells`);
  assert.equal(run('run', path, '--output', out, '--keep-cells').status, 0);
  assert.equal(readdirSync(cells).length, 8);
  assert.equal(readJson(out, 'results.json').complete, true);
});

test('links', (t) => {
  const document = study({model: {builtin: 'pink-fusarium'}});
  const {path} = written(t, document);
  const link = run('study', 'url', path, '--base', 'https://example.org/').out.trim();
  assert.match(link, /^https:\/\/example\.org\/#s=[A-Za-z0-9_-]+$/);
  const back = JSON.parse(run('study', 'from-url', link).out);
  assert.deepEqual(back, {...document, methods: document.methods.map((name) => ({name})), metrics: document.metrics.map((name) => ({name}))});
  assert.match(run('study', 'check', link).out, /a valid study of 2 images, 3 methods and 2 metrics/);
  refused(run('study', 'from-url', link.slice(0, 90)), /the link: is cut off or has been changed/);
  refused(run('run', link.slice(0, -1), '--output', '/nowhere'), /the link: is cut off or has been changed/);
  refused(run('study', 'url', written(t, study()).path), /model: is the file .*which nobody else has/);
});

test('the schema names every method and metric', () => {
  const {properties} = JSON.parse(run('study', 'schema').out);
  const {methods, metrics} = JSON.parse(run('list', '--json').out);
  assert.deepEqual(properties.methods.items.anyOf[0].enum, methods.map((m) => m.name));
  assert.deepEqual(properties.metrics.items.anyOf[0].enum, metrics.map((m) => m.name));
});

test('the built-in studies are valid, and one of them has every method and every metric', () => {
  const names = readdirSync(join(root, 'web/studies'));
  assert.ok(names.includes('everything.json'));
  for (const name of names) {
    const r = run('study', 'check', join(root, 'web/studies', name));
    assert.equal(r.status, 0, r.err);
  }
  const {methods, metrics} = JSON.parse(run('list', '--json').out);
  const everything = readJson(root, 'web/studies/everything.json');
  const namesOf = (list) => list.map((entry) => entry.name);
  assert.deepEqual(namesOf(everything.methods), namesOf(methods));
  assert.deepEqual(namesOf(everything.metrics), namesOf(metrics));
});
