// Cross-origin isolation on hosts that cannot set headers (GitHub Pages and the like), so that ONNX Runtime may use
// threads there, too. The same file is the page's script, which registers it, and the service worker, which adds the
// headers to every answer. Where it does not work, the page works all the same, with one thread.

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

if (typeof window === 'undefined') {
  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => {
    const {request} = event;
    if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
    event.respondWith(fetch(request).then((answer) => {
      if (answer.status === 0) return answer;  // opaque: nothing can be added
      const isolated = new Headers(answer.headers);
      for (const [name, value] of Object.entries(headers)) isolated.set(name, value);
      const empty = answer.status === 204 || answer.status === 304;
      return new Response(empty ? null : answer.body, {status: answer.status, statusText: answer.statusText, headers: isolated});
    }));
  });
} else if (!window.crossOriginIsolated && window.isSecureContext && navigator.serviceWorker) {
  const tried = 'kernelscope-isolation';  // one reload at most
  navigator.serviceWorker.register(document.currentScript.src).then(async () => {
    await navigator.serviceWorker.ready;
    if (sessionStorage.getItem(tried)) return;
    sessionStorage.setItem(tried, 'reloaded');
    window.location.reload();
  }, () => {});  // not allowed here: one thread then
}
