// The Worker: ONNX Runtime Web and the core beside each other, one request at a time.
import {loadOrt} from './ort.js';
import createCore from './core.mjs';

const post = (json, buffer) => self.postMessage({json, buffer: buffer ?? null}, buffer ? [buffer] : []);
const status = (text) => post({event: 'status', text});

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const queue = [];
const cancelled = new Set();
let core = null;
let current = 0;  // the id of the request under way
let running = false;

/** The bytes of a built-in model or picture, or of an address. Throws one sentence. */
async function files(kind, what, name) {
  const builtin = kind === 'builtin';
  if (builtin && !/^[\w.-]+$/.test(name)) throw new Error(`${what}: there is no built-in '${name}'`);
  const address = !builtin ? name : what === 'model' ? `models/${name}.onnx` : `images/${name}.jpg`;
  let answer;
  try {
    answer = await fetch(new URL(address, import.meta.url));
  } catch {
    throw new Error(`${what}: ${name} cannot be fetched; the server does not answer or does not allow other pages to read it (CORS)`);
  }
  if (answer.status === 404 && builtin) throw new Error(`${what}: there is no built-in '${name}'`);
  if (!answer.ok) throw new Error(`${what}: ${name} cannot be fetched (status ${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Lets messages in that came while the core computed; true when the request under way was cancelled. */
function yieldToMessages() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve(cancelled.has(current));
    };
    channel.port2.postMessage(0);
  });
}

async function start({provider = 'auto', threads = 0, placements = false}) {
  status('Loading ONNX Runtime');
  const files_ = new URL('ort/', import.meta.url).href;
  let ort;
  try {
    ort = await loadOrt({files: files_, wanted: provider, threads, placements});
  } catch (problem) {
    if (provider !== 'auto') throw problem;
    // A GPU that promises more than it holds must not cost the user the app.
    ort = await loadOrt({files: files_, wanted: 'wasm', threads, placements});
    ort.info.reason = `WebGPU failed (${problem.message}); ${ort.info.reason}`;
  }
  status('Loading the core');
  core = await createCore({
    ort,
    files,
    yieldToMessages,
    progress: (fraction) => post({event: 'progress', id: current, fraction}),
    locateFile: (file) => new URL(file, import.meta.url).href,
  });
}

async function request(json, buffer) {
  const put = (bytes) => {
    const at = core._ks_allocate(bytes.length);
    core.HEAPU8.set(bytes, at);
    return at;
  };
  const head = encoder.encode(JSON.stringify(json)), bytes = buffer ? new Uint8Array(buffer) : new Uint8Array(0);
  const headAt = put(head), bytesAt = put(bytes);
  await core.ccall('ks_request', null, ['number', 'number', 'number', 'number'], [headAt, head.length, bytesAt, bytes.length],
                   {async: true});
  const answerAt = core._ks_head(), answerSize = core._ks_head_size();
  const answer = JSON.parse(decoder.decode(core.HEAPU8.subarray(answerAt, answerAt + answerSize)));
  const size = core._ks_bytes_size(), at = core._ks_bytes();
  post(answer, size > 0 ? core.HEAPU8.slice(at, at + size).buffer : null);
}

async function work() {
  if (running) return;
  running = true;
  while (queue.length > 0) {
    const {json, buffer} = queue.shift();
    current = json.id;
    try {
      if (cancelled.has(json.id)) post({id: json.id, ok: false, cancelled: true, error: 'cancelled'});
      else {
        if (!core) await start(json.op === 'init' ? json : {});
        await request(json, buffer);
      }
    } catch (problem) {
      // Not an error of the user's, which is an answer: the module itself failed.
      post({id: json.id, ok: false, fault: true, error: `The core failed: ${problem?.message ?? problem}`});
      if (!core || String(problem).includes('RuntimeError'))
        post({event: 'fatal', error: `The core stopped: ${problem?.message ?? problem}; reload the page`});
    }
    cancelled.delete(json.id);
  }
  running = false;
}

self.onmessage = ({data: {json, buffer}}) => {
  if (json.op === 'cancel') {
    cancelled.add(json.target);
    return;
  }
  queue.push({json, buffer});
  work();
};
