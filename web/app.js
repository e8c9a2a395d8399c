// Starts the page: the app (Dear ImGui, drawn at once), the core in its Worker, and the wires between them.

import createApp from './app.mjs';
import {startCore} from './core_client.js';
import {listen} from './input.js';

const defaultStudy = 'studies/pink-fusarium.json';
const canvas = document.getElementById('canvas');
const mostFile = 200 << 20;  // bytes: larger ones are refused before they are read

class App {
  #module;

  constructor(module) {
    this.#module = module;
  }

  /** Calls an exported function; texts and byte arrays are copied into the app's memory for the call. */
  call(name, ...values) {
    const m = this.#module;
    const taken = [];
    const take = (bytes) => {
      const at = m._malloc(bytes.length + 1);
      m.HEAPU8.set(bytes, at);
      m.HEAPU8[at + bytes.length] = 0;
      taken.push(at);
      return at;
    };
    try {
      return m['_' + name](...values.map((v) => typeof v === 'string' ? take(new TextEncoder().encode(v))
        : v instanceof Uint8Array ? take(v) : v));
    } finally {
      for (const at of taken) m._free(at);
    }
  }

  /** The text that an exported function returns. */
  text(name, ...values) {
    const at = this.call(name, ...values);
    const text = this.#module.UTF8ToString(at);
    this.#module._free(at);
    return text;
  }

  heatmap(image, method) {
    const m = this.#module;
    const shapeAt = m._malloc(12);
    try {
      const at = this.call('app_heatmap', image, method, shapeAt);
      if (!at) return null;
      const shape = [...new Int32Array(m.HEAPU8.buffer, shapeAt, 3)];
      return {shape, data: new Float32Array(m.HEAPU8.buffer, at, shape[0] * shape[1] * shape[2]).slice()};
    } finally {
      m._free(shapeAt);
    }
  }

  async openFiles(files) {
    for (const file of files) {
      if (file.size > mostFile) {
        this.call('app_show_error', `${file.name}: the file has ${Math.round(file.size / (1 << 20))} MB; at most ${mostFile >> 20} MB are taken`);
        continue;
      }
      const bytes = new Uint8Array(await file.arrayBuffer());
      this.call('app_open_file', file.name || 'pasted.png', bytes, bytes.length);
    }
  }
}

/** What the app asks of the page. */
function hostFor(core) {
  const picker = document.getElementById('files');
  const live = document.getElementById('live');
  return {
    post: (text, buffer) => core.post(JSON.parse(text), buffer),
    copyText: (text) => navigator.clipboard?.writeText(text).catch(() => copyBySelection(text)) ?? copyBySelection(text),
    chooseFiles: () => picker.click(),
    setCursor: (name) => { canvas.style.cursor = name; },
    announce: (text) => { live.textContent = text; },
    pageAddress: () => location.href.split('#')[0],
    openPage: (address) => window.open(new URL(address, location.href), '_blank', 'noopener'),
    setFragment: (fragment) => history.replaceState(null, '', fragment),
    download: (name, bytes) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([bytes]));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    },
  };
}

/** Where the clipboard may not be written (no permission, no https). */
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  canvas.focus();
}

const fetchBytes = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} could not be loaded (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
};

function fail(sentence) {
  const box = document.getElementById('fault');
  box.textContent = sentence;
  box.hidden = false;
}

async function openBuiltIn(app) {
  const text = new TextDecoder().decode(await fetchBytes(defaultStudy));
  app.call('app_set_built_in', text, defaultStudy);
}

async function start() {
  // Everything that is needed is asked for at once; the app draws as soon as it and its fonts are there.
  let app = null;
  const waiting = [];  // answers of the core from before the app was there
  const core = startCore({
    onmessage: (message, buffer) => {
      const bytes = buffer ? new Uint8Array(buffer) : new Uint8Array(0);
      if (app) app.call('app_message', JSON.stringify(message), bytes, bytes.length);
      else waiting.push([message, buffer]);
    },
  });
  const host = hostFor(core);
  const fonts = ['Inter-Regular.otf', 'Inter-SemiBold.otf', 'JetBrainsMono-Regular.ttf'].map((f) => fetchBytes('fonts/' + f));
  const module = await createApp({
    host,
    locateFile: (file) => new URL(file, import.meta.url).href,
    print: (text) => console.log(text),
    printErr: (text) => console.warn(text),
  });
  app = new App(module);
  host.toC = (text) => {
    const bytes = new TextEncoder().encode(text + '\0');
    const at = module._malloc(bytes.length);
    module.HEAPU8.set(bytes, at);
    return at;
  };
  (await Promise.all(fonts)).forEach((bytes, which) => app.call('app_font', which, bytes, bytes.length));
  if (!app.call('app_start', '#canvas')) return fail('This browser has no WebGL 2, which Kernelscope draws with; try a current Firefox, Chrome, Edge or Safari.');
  listen(canvas, app);
  canvas.addEventListener('webglcontextlost', (e) => e.preventDefault());
  canvas.addEventListener('webglcontextrestored', () => app.call('app_context_restored'));
  document.getElementById('files').addEventListener('change', (e) => {
    app.openFiles([...e.target.files]);
    e.target.value = '';
  });

  window.kernelscope = {
    version: document.documentElement.dataset.version,
    state: () => app.text('app_state'),
    widgets: () => JSON.parse(app.text('app_widgets')),
    heatmap: (image, method) => app.heatmap(image, method),
    set: (pointer, value) => {
      const sentence = app.text('app_set', pointer, JSON.stringify(value));
      if (sentence) throw new Error(sentence);
    },
    openFile: (name, bytes) => app.call('app_open_file', name, bytes, bytes.length),
  };

  const draw = (time) => {
    requestAnimationFrame(draw);
    app.call('app_frame', time);
  };
  requestAnimationFrame(draw);

  addEventListener('hashchange', () => { if (location.hash.startsWith('#s=')) app.call('app_open_link', location.hash); });
  await openBuiltIn(app);
  if (location.hash.startsWith('#s=')) app.call('app_open_link', location.hash);
  app.call('app_core_started');
  for (const [message, buffer] of waiting.splice(0)) {
    const bytes = buffer ? new Uint8Array(buffer) : new Uint8Array(0);
    app.call('app_message', JSON.stringify(message), bytes, bytes.length);
  }
  return window.kernelscope;
}

const started = start();
started.catch((problem) => {
  console.error(problem);
  fail(`Kernelscope could not start: ${problem.message}`);
});
window.kernelscopeReady = started;
