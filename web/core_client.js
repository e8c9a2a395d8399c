// The page's end of the Worker: post() for the app, request() with a promise for scripts and tests.

/** Starts the core. onmessage(json, buffer) hears every answer and event that no request() waits for. */
export function startCore({onmessage = () => {}} = {}) {
  const worker = new Worker(new URL('./core_worker.js', import.meta.url), {type: 'module', name: 'kernelscope-core'});
  const waiting = new Map();
  let lastId = 1 << 30;  // apart from the app's own ids

  worker.onmessage = ({data: {json, buffer}}) => {
    const wait = waiting.get(json.id);
    if (wait && json.event === 'progress') return wait.progress?.(json.fraction);
    if (!wait) return onmessage(json, buffer);
    waiting.delete(json.id);
    if (json.ok) wait.resolve({json, buffer});
    else wait.reject(Object.assign(new Error(json.error), {cancelled: Boolean(json.cancelled)}));
  };
  worker.onerror = (event) =>
      onmessage({event: 'fatal', error: `The core could not be started (${event.message ?? 'no reason given'}); reload the page`}, null);

  const post = (json, buffer = null) => worker.postMessage({json, buffer}, buffer ? [buffer] : []);
  return {
    post,
    request(op, fields = {}, {buffer = null, progress = null} = {}) {
      const id = ++lastId;
      const promise = new Promise((resolve, reject) => waiting.set(id, {resolve, reject, progress}));
      post({...fields, op, id}, buffer);
      return Object.assign(promise, {cancel: () => post({op: 'cancel', target: id})});
    },
    stop: () => worker.terminate(),
  };
}
