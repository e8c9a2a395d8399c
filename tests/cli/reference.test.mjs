// The reference: a page for every method and every metric, nothing missing on it, no link dead.
import assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {test} from 'node:test';

import {folder, root, run} from './program.mjs';

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');

function htmlFiles(path) {
  return readdirSync(path, {recursive: true}).filter((name) => name.endsWith('.html'));
}

test('the reference', async (t) => {
  const where = folder(t), site = join(where, 'site');
  const r = run('reference', '--output', site);
  assert.equal(r.status, 0, r.err);
  const {methods, metrics, segmentations, poolings, normalisations} = JSON.parse(run('list', '--json').out);
  const read = (name) => readFileSync(join(site, name), 'utf8');

  await t.test('has a page for every method, with all that its entry says and a picture', () => {
    assert.deepEqual(readdirSync(join(site, 'methods')).sort(), methods.map((m) => `${m.name}.html`).sort());
    const index = read('index.html');
    for (const method of methods) {
      assert.ok(index.includes(`href="methods/${method.name}.html"`), method.name);
      const page = read(`methods/${method.name}.html`);
      for (const text of [method.title, method.description, method.misleads, method.formula, method.citation])
        assert.ok(page.includes(escaped(text)), `${method.name}: ${text}`);
      for (const p of method.parameters)
        for (const text of [p.name, p.help, p.unit ?? '', ...(p.choices ?? []), ...[p.min, p.max].filter((v) => v !== undefined).map(String)])
          assert.ok(page.includes(escaped(text)), `${method.name}, ${p.name}: ${text}`);
      const pictures = [...page.matchAll(/<img alt="([^"]+)" src="data:image\/jpeg;base64,([^"]+)"/g)];
      assert.equal(pictures.length, 2, `${method.name}: the kernel and its map`);
      assert.notEqual(pictures[0][2], pictures[1][2], method.name);
      assert.ok(page.includes('±'), method.name);
    }
  });

  await t.test('has all entries of the other registries, segmentations with their borders', () => {
    for (const [file, entries] of Object.entries({'segmentations.html': segmentations, 'poolings.html': poolings, 'normalisations.html': normalisations})) {
      const page = read(file);
      for (const entry of entries) {
        assert.ok(page.includes(`<section id="${entry.name}">`), entry.name);
        for (const text of [entry.title, entry.description, entry.misleads, entry.formula])
          assert.ok(page.includes(escaped(text)), `${entry.name}: ${text}`);
      }
    }
    assert.equal([...read('segmentations.html').matchAll(/src="data:image\/jpeg/g)].length, segmentations.length);
  });

  await t.test('has a page for every metric, with its scores of four maps', () => {
    assert.deepEqual(readdirSync(join(site, 'metrics')).sort(), metrics.map((m) => `${m.name}.html`).sort());
    const index = read('metrics.html');
    for (const metric of metrics) {
      assert.ok(index.includes(`href="metrics/${metric.name}.html"`), metric.name);
      const page = read(`metrics/${metric.name}.html`);
      for (const text of [metric.title, metric.description, metric.misleads, metric.formula, metric.citation])
        assert.ok(page.includes(escaped(text)), `${metric.name}: ${text}`);
      for (const p of metric.parameters) assert.ok(page.includes(`<code>${p.name}</code>`), `${metric.name}, ${p.name}`);
      const scores = [...page.matchAll(/class="score">([^<]*)/g)].map(([, score]) => score.trim());
      assert.equal(scores.length, 4, metric.name);
      if (!scores.some((score) => /[0-9]/.test(score))) assert.fail(`${metric.name}: no map has a score`);
      assert.equal(page.includes('<code>compat=quantus</code>'), metric.parameters.some((p) => p.name === 'compat'), metric.name);
      assert.match(page, /<h2>Range<\/h2>\n<p>[^<]/);
    }
    const relevance = [...read('metrics/relevance-mass-accuracy.html').matchAll(/class="score">([0-9.]+)/g)].map(([, v]) => +v);
    assert.ok(relevance.length === 4 && relevance.every((v) => v >= 0 && v <= 1) && new Set(relevance).size === 4, relevance.join());
  });

  await t.test('has no dead link, no address of elsewhere, no script', () => {
    let links = 0;
    for (const file of htmlFiles(site)) {
      const page = read(file);
      assert.ok(!page.includes('<script'), file);
      for (const [, address] of page.matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (address.startsWith('data:image/')) continue;
        assert.match(address, /^[a-z0-9./-]+(#[a-z0-9-]+)?$/, `${file}: ${address}`);
        const [path, anchor] = address.split('#'), target = join(site, dirname(file), path);
        assert.ok(existsSync(target), `${file}: ${address}`);
        if (anchor) assert.ok(readFileSync(target, 'utf8').includes(`id="${anchor}"`), `${file}: ${address}`);
        ++links;
      }
    }
    assert.ok(links > 5 * methods.length);
  });

  await t.test('has command lines that work', () => {
    const page = read('methods/input-x-gradient.html');
    const words = /<pre>kernelscope ([^<]*)<\/pre>/.exec(page)[1].split(' ');
    const at = (option) => words[words.indexOf(option) + 1];
    words[words.indexOf('--model') + 1] = join(root, at('--model'));
    words[words.indexOf('--image') + 1] = join(site, at('--image'));
    const output = words[words.indexOf('--output') + 1] = join(where, at('--output'));
    const made = run(...words);
    assert.equal(made.status, 0, made.err);
    assert.ok(existsSync(output));

    for (const metric of ['boundary-distance', 'effective-complexity', 'max-sensitivity']) {
      const metricPage = read(`metrics/${metric}.html`);
      const shown = +[...metricPage.matchAll(/class="score">([0-9.]+)/g)][3][1];
      let out = '';
      for (const line of /<pre>(kernelscope explain [^<]*)<\/pre>/.exec(metricPage)[1].split('\n')) {
        const places = {'--model': root, '--image': site, '--mask': site, '--output': where, '--attribution': where};
        const all = line.split(' ').slice(1);
        for (const [option, place] of Object.entries(places)) {
          const at = all.indexOf(option);
          if (at >= 0) all[at + 1] = join(place, all[at + 1]);
        }
        const done = run(...all);
        assert.equal(done.status, 0, done.err);
        out = done.out;
      }
      const measured = JSON.parse(out).scores[0];
      assert.ok(Math.abs(measured - shown) <= 6e-4 * Math.max(1, Math.abs(shown)), `${metric}: ${measured}, the page says ${shown}`);
    }
  });
});
