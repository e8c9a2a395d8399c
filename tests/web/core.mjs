// Runs the unit tests compiled to WebAssembly, with ONNX Runtime Web below them.
// Usage: node tests/web/core.mjs [suites]   (doctest's --test-suite filter)
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

// Emscripten's older runtimes take Node's files for a page's: without fetch they read them.
delete globalThis.fetch;

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const ortFolder = join(root, 'node_modules/onnxruntime-web/dist/');
const build = join(root, 'build/web');

const {loadOrt} = await import(pathToFileURL(join(root, 'web/ort.js')).href);
const ort = await loadOrt({
  files: pathToFileURL(ortFolder).href,
  wanted: 'wasm',
  wasmBinary: readFileSync(join(ortFolder, 'ort-wasm-simd-threaded.wasm')),
});

globalThis.require = createRequire(import.meta.url);
globalThis.__dirname = build;
globalThis.__filename = join(build, 'kernelscope_tests.mjs');
const createTests = (await import(pathToFileURL(join(build, 'kernelscope_tests.mjs')).href)).default;
const tests = await createTests({ort, wasmBinary: readFileSync(join(build, 'kernelscope_tests.wasm'))});
const failed = await tests.ccall('ks_run_tests', 'number', ['string'], [process.argv[2] ?? ''], {async: true});
process.exit(failed ? 1 : 0);
