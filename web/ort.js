// The one place that knows ONNX Runtime Web: the C API its WebAssembly module exports, without the package's own
// JavaScript layer. The core (src/runtime/web.cpp) calls an object of class Ort step by step; both modules have heaps of
// their own, so tensors are copied from one into the other.

const float32 = 1;  // ONNX's TensorProto.FLOAT
const cpu = 1;      // where a tensor's data lie: DataLocation 'cpu'
const optimiseAll = 99, sequential = 0;
const logError = 3, logVerbose = 0;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The zero-terminated text at `at` of a heap. (TextDecoder refuses shared memory, so the bytes are copied.) */
function textAt(heap, at) {
  let end = at;
  while (heap[end]) ++end;
  return decoder.decode(heap.slice(at, end));
}

const isPromise = (value) => value && typeof value.then === 'function';
const then = (value, next) => (isPromise(value) ? value.then(next) : next(value));

/**
 * Which provider this place offers and why, in words for people.
 * wanted: 'auto', 'webgpu' (also on a software adapter) or 'wasm'.
 */
export async function chooseProvider(wanted = 'auto') {
  const gpu = globalThis.navigator?.gpu;
  if (wanted !== 'wasm') {
    let adapter = null;
    try {
      adapter = gpu ? await gpu.requestAdapter() : null;
    } catch {
      adapter = null;
    }
    const software = adapter && (adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter);
    if (adapter && (wanted === 'webgpu' || !software)) {
      const name = adapter.info?.description || adapter.info?.vendor || 'GPU';
      return {provider: 'webgpu', threads: 1, reason: `WebGPU on ${name}${software ? ' (software)' : ''}`};
    }
    if (wanted === 'webgpu') throw new Error('WebGPU is not available here; choose wasm instead');
    var noGpu = !gpu ? 'no WebGPU in this browser' : software ? 'the WebGPU adapter is software' : 'no WebGPU adapter';
  }
  const why = wanted === 'wasm' ? 'WebAssembly was asked for' : noGpu;
  const node = typeof process === 'object' && process.versions?.node;
  const cores = globalThis.navigator?.hardwareConcurrency || 1;
  if (node) return {provider: 'wasm', threads: 1, reason: 'Node.js: one thread'};
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === 'undefined')
    return {provider: 'wasm', threads: 1, reason: `${why}; one thread, because the page is not cross-origin isolated`};
  const threads = Math.max(1, Math.min(cores, 8));
  return {provider: 'wasm', threads, reason: `${why}; ${threads} thread${threads > 1 ? 's' : ''}`};
}

/** Of ONNX Runtime's verbose log, which goes to the console in thousands of lines, lets through what says where nodes run. */
function logPlacementsOnly() {
  for (const channel of ['log', 'warn', 'error']) {
    const say = console[channel].bind(console);
    console[channel] = (...words) => { if (/nodes? placed on/i.test(words[0])) say(...words); };
  }
}

/**
 * Loads ONNX Runtime. files: URL of the folder with its .mjs and .wasm; wanted: see chooseProvider; threads: at most this
 * many; wasmBinary: the .wasm's bytes, where they cannot be fetched (Node.js); placements: log which provider takes which nodes.
 */
export async function loadOrt({files, wanted = 'auto', threads = 0, wasmBinary, placements = false} = {}) {
  const info = await chooseProvider(wanted);
  if (threads > 0) info.threads = Math.min(info.threads, threads);
  const name = info.provider === 'webgpu' ? 'ort-wasm-simd-threaded.asyncify' : 'ort-wasm-simd-threaded';
  const base = new URL(files, globalThis.location?.href ?? import.meta.url).href;
  const factory = (await import(/* @vite-ignore */ base + name + '.mjs')).default;
  const options = {numThreads: info.threads, locateFile: (file) => base + file};
  if (wasmBinary) options.wasmBinary = wasmBinary;
  if (placements) logPlacementsOnly();
  const module = await factory(options);
  return new Ort(module, info, placements);
}

export class Ort {
  #module;
  #pending = null;  // the promise of a call that suspends (WebGPU), until wait()
  #error = '';
  #job = null;      // the run under construction, then its outputs
  #placements;

  constructor(module, info, placements) {
    this.#module = module;
    this.info = info;
    this.#placements = placements;
    if (module._OrtInit(info.threads, placements ? logVerbose : logError) !== 0) throw new Error(this.#lastError());
    if (info.provider === 'webgpu') {
      module.asyncInit?.();
      module.webgpuInit(() => {});  // ONNX Runtime makes a device of its own, and a new one after the last session is gone
    }
  }

  // ---- what the core calls; all numbers are pointers into or sizes on `heap`, the core's memory ----

  /** 0: done, 1: wait() for it, 2: failed, see the error. The result is in `result`. */
  #guard(start) {
    this.#error = '';
    this.result = 0;
    const fail = (problem) => {
      this.#error = String(problem?.message ?? problem);
      return 2;
    };
    const finish = (value) => {
      this.result = value;
      return 0;
    };
    try {
      const value = start();
      if (!isPromise(value)) return finish(value);
      this.#pending = value.then(finish, fail);
      return 1;
    } catch (problem) {
      return fail(problem);
    }
  }

  async wait() {
    const pending = this.#pending;
    this.#pending = null;
    return pending;
  }

  errorBytes() {
    return encoder.encode(this.#error);
  }

  createSession(heap, at, length, dimensionsAt) {
    return this.#guard(() => this.#create(heap.subarray(at, at + length), JSON.parse(textAt(heap, dimensionsAt))));
  }

  releaseSession(session) {
    this.#module.webgpuOnReleaseSession?.(session);
    this.#module._OrtReleaseSession(session);
  }

  /** {"inputs": [{"name", "shape"}], "outputs": [...]}, -1 for free sizes, as UTF-8 JSON. */
  describe(session) {
    const m = this.#module;
    const stack = m.stackSave();
    try {
      const at = m.stackAlloc(8);
      this.#check(m._OrtGetInputOutputCount(session, at, at + 4));
      const inputs = m.getValue(at, 'i32'), outputs = m.getValue(at + 4, 'i32');
      const all = [];
      for (let i = 0; i < inputs + outputs; ++i) all.push(this.#metadata(session, i));
      return encoder.encode(JSON.stringify({inputs: all.slice(0, inputs), outputs: all.slice(inputs)}));
    } finally {
      m.stackRestore(stack);
    }
  }

  beginRun(session) {
    this.#job = {session, inputs: [], outputs: [], allocations: [], tensors: []};
  }

  addInput(heap, nameAt, dimsAt, rank, dataAt, count) {
    const m = this.#module, job = this.#job;
    const data = this.#allocate(Math.max(4, count * 4), job.allocations);
    m.HEAPU8.set(heap.subarray(dataAt, dataAt + count * 4), data);
    const stack = m.stackSave();
    const dims = m.stackAlloc(Math.max(4, 4 * rank));
    const sizes = new Int32Array(heap.buffer, dimsAt, rank);
    for (let i = 0; i < rank; ++i) m.setValue(dims + 4 * i, sizes[i], 'i32');
    const tensor = m._OrtCreateTensor(float32, data, count * 4, dims, rank, cpu);
    m.stackRestore(stack);
    if (!tensor) throw new Error(this.#lastError());
    job.tensors.push(tensor);
    job.inputs.push({name: this.#text(textAt(heap, nameAt), job.allocations), tensor});
  }

  addOutput(heap, nameAt) {
    this.#job.outputs.push({name: this.#text(textAt(heap, nameAt), this.#job.allocations)});
  }

  run() {
    return this.#guard(() => this.#start());
  }

  outputRank(i) {
    return this.#job.outputs[i].dims.length;
  }

  outputDims(i, heap, at) {
    new Int32Array(heap.buffer, at, this.outputRank(i)).set(this.#job.outputs[i].dims);
  }

  outputData(i, heap, at, count) {
    const from = this.#job.outputs[i].data;
    heap.set(this.#module.HEAPU8.subarray(from, from + count * 4), at);
  }

  /** Releases whatever a run, finished or failed, has left. */
  endRun() {
    const m = this.#module, job = this.#job;
    if (!job) return;
    for (const t of job.tensors) m._OrtReleaseTensor(t);
    for (const a of job.allocations) m._free(a);
    this.#job = null;
  }

  // ---- inside ----

  #create(bytes, {dimensions}) {
    const m = this.#module, allocations = [];
    const model = this.#allocate(bytes.length, allocations);
    m.HEAPU8.set(bytes, model);
    // Memory patterns do not go with the WebGPU provider.
    const gpu = this.info.provider === 'webgpu';
    const options = m._OrtCreateSessionOptions(optimiseAll, true, !gpu, sequential, false, 0,
                                               this.#text('kernelscope', allocations),
                                               this.#placements ? logVerbose : logError, 0, 0);
    const free = () => {
      if (options) m._OrtReleaseSessionOptions(options);
      for (const a of allocations) m._free(a);
    };
    const finish = (session) => {
      m.webgpuOnCreateSession?.(session);
      const problem = session ? '' : this.#lastError();
      free();
      if (problem) throw new Error(problem);
      return session;
    };
    try {
      if (!options) throw new Error(this.#lastError());
      for (const [symbol, size] of dimensions)
        this.#check(m._OrtAddFreeDimensionOverride(options, this.#text(symbol, allocations), size));
      if (!gpu) return then(m._OrtCreateSession(model, bytes.length, options), finish);
      return this.#addWebGpu(options, allocations)
          .then(() => m._OrtCreateSession(model, bytes.length, options))
          .then(finish, (problem) => {
            free();
            throw problem;
          });
    } catch (problem) {
      free();
      throw problem;
    }
  }

  async #addWebGpu(options, allocations) {
    const m = this.#module;
    const entries = [];
    const device = m.webgpuRegisterDevice();
    if (device) {
      const [id, instance, handle] = device;
      entries.push(['deviceId', id], ['webgpuInstance', instance], ['webgpuDevice', handle]);
    }
    const keys = this.#allocate(4 * Math.max(1, entries.length), allocations);
    const values = this.#allocate(4 * Math.max(1, entries.length), allocations);
    entries.forEach(([key, value], i) => {
      m.setValue(keys + 4 * i, this.#text(key, allocations), '*');
      m.setValue(values + 4 * i, this.#text(String(value), allocations), '*');
    });
    this.#check(await m._OrtAppendExecutionProvider(options, this.#text('WebGPU', allocations), keys, values, entries.length));
  }

  #start() {
    const m = this.#module, job = this.#job;
    const table = (values) => {
      const at = this.#allocate(4 * Math.max(1, values.length), job.allocations);
      values.forEach((v, i) => m.setValue(at + 4 * i, v, '*'));
      return at;
    };
    const results = table(job.outputs.map(() => 0));
    const status = m._OrtRun(job.session, table(job.inputs.map((i) => i.name)), table(job.inputs.map((i) => i.tensor)),
                             job.inputs.length, table(job.outputs.map((o) => o.name)), job.outputs.length, results, 0);
    return then(status, (code) => {
      this.#check(code);
      job.outputs.forEach((output, i) => {
        const tensor = m.getValue(results + 4 * i, '*');
        job.tensors.push(tensor);
        Object.assign(output, this.#read(tensor));
      });
      return 0;
    });
  }

  #read(tensor) {
    const m = this.#module;
    const stack = m.stackSave();
    try {
      const at = m.stackAlloc(16);
      this.#check(m._OrtGetTensorData(tensor, at, at + 4, at + 8, at + 12));
      if (m.getValue(at, 'i32') !== float32) throw new Error('an output of the network is not float32');
      const data = m.getValue(at + 4, '*'), dimsAt = m.getValue(at + 8, '*'), rank = m.getValue(at + 12, 'i32');
      const dims = [];
      for (let i = 0; i < rank; ++i) dims.push(m.getValue(dimsAt + 4 * i, 'i32'));
      m._OrtFree(dimsAt);
      return {data, dims};
    } finally {
      m.stackRestore(stack);
    }
  }

  #metadata(session, index) {
    const m = this.#module;
    const at = m.stackAlloc(8);
    this.#check(m._OrtGetInputOutputMetadata(session, index, at, at + 4));
    const nameAt = m.getValue(at, '*'), info = m.getValue(at + 4, '*');
    const name = textAt(m.HEAPU8, nameAt);
    const shape = [];
    if (m.getValue(info, 'i32') !== 0) {
      const rank = m.getValue(info + 4, 'i32');
      for (let i = 0; i < rank; ++i) {
        const symbol = m.getValue(info + 8 + 4 * i, '*');
        shape.push(symbol ? -1 : m.getValue(info + 8 + 4 * (i + rank), 'i32'));
      }
    }
    m._OrtFree(nameAt);
    m._OrtFree(info);
    return {name, shape};
  }

  #allocate(bytes, allocations) {
    const at = this.#module._malloc(bytes);
    if (!at) throw new Error(`no memory for ${bytes} bytes`);
    allocations.push(at);
    return at;
  }

  #text(value, allocations) {
    const bytes = encoder.encode(value);
    const at = this.#allocate(bytes.length + 1, allocations);
    this.#module.HEAPU8.set(bytes, at);
    this.#module.HEAPU8[at + bytes.length] = 0;
    return at;
  }

  #check(code) {
    if (code !== 0) throw new Error(this.#lastError());
  }

  #lastError() {
    const m = this.#module;
    const stack = m.stackSave();
    try {
      const at = m.stackAlloc(8);
      m._OrtGetLastError(at, at + 4);
      const message = m.getValue(at + 4, '*');
      return message ? textAt(m.HEAPU8, message) : 'ONNX Runtime gives no reason';
    } finally {
      m.stackRestore(stack);
    }
  }
}
