// The canvas's events, handed to the app: pointer, wheel, touch, keys, clipboard, files, size.

const modifiers = (e) => (e.ctrlKey ? 1 : 0) | (e.shiftKey ? 2 : 0) | (e.altKey ? 4 : 0) | (e.metaKey ? 8 : 0);

/** app: the calls of web/app.js. Returns nothing; listeners stay for the page's life. */
export function listen(canvas, app) {
  resize(canvas, app);
  pointer(canvas, app);
  keys(canvas, app);
  files(canvas, app);
  addEventListener('focus', () => app.call('input_focus', 1));
  addEventListener('blur', () => app.call('input_focus', 0));
}

function resize(canvas, app) {
  const update = () => {
    const density = devicePixelRatio || 1;
    const {clientWidth: width, clientHeight: height} = canvas;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    app.call('input_resize', width, height, density);
  };
  new ResizeObserver(update).observe(canvas);
  // Another zoom or another screen: the media query stops matching.
  const watch = () => {
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', () => { update(); watch(); }, {once: true});
  };
  watch();
  update();
}

function pointer(canvas, app) {
  const touches = new Map();  // fingers on the canvas: two of them scroll and pinch
  const at = (e) => [e.offsetX, e.offsetY];
  const send = (kind, e) => app.call('input_pointer', kind, ...at(e), e.button === 2 ? 1 : e.button === 1 ? 2 : 0,
    e.pointerType === 'touch' ? 1 : 0);
  const spread = () => {
    const [a, b] = [...touches.values()];
    return {x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, size: Math.hypot(a[0] - b[0], a[1] - b[1])};
  };
  let before = null;

  canvas.addEventListener('pointerdown', (e) => {
    canvas.focus();
    if (e.pointerType === 'touch') touches.set(e.pointerId, at(e));
    if (touches.size === 2) {
      app.call('input_pointer', 2, ...at(e), 0, 1);  // the first finger no longer presses
      before = spread();
      return;
    }
    canvas.setPointerCapture(e.pointerId);
    send(0, e);
    send(1, e);
  });
  canvas.addEventListener('pointermove', (e) => {
    if (touches.has(e.pointerId)) touches.set(e.pointerId, at(e));
    if (touches.size === 2) {
      const now = spread();
      app.call('input_pointer', 0, now.x, now.y, 0, 1);
      const pinched = Math.log(now.size / before.size) / Math.log(1.25);
      if (Math.abs(pinched) > 0.1) app.call('input_wheel', 0, pinched, 0);
      else app.call('input_wheel', (now.x - before.x) / 40, (now.y - before.y) / 40, 0);
      before = now;
      return;
    }
    send(0, e);
  });
  const end = (e) => {
    touches.delete(e.pointerId);
    send(2, e);
    if (e.pointerType === 'touch') send(3, e);
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', (e) => { if (!canvas.hasPointerCapture(e.pointerId)) send(3, e); });
  canvas.addEventListener('contextmenu', (e) => e.preventDefault());
  canvas.addEventListener('wheel', (e) => {
    e.preventDefault();
    const step = e.deltaMode === 1 ? 3 : 100;  // lines or pixels a notch
    app.call('input_wheel', -e.deltaX / step, -e.deltaY / step, modifiers(e) & ~1);
  }, {passive: false});
}

function keys(canvas, app) {
  // The browser keeps its own: function keys, and Ctrl with anything that is not ours.
  const ours = (e) => !/^F\d+$/.test(e.key) && (!(e.ctrlKey || e.metaKey) || /^[acxyz]$/i.test(e.key)) && !e.altKey;
  const send = (e, down) => {
    if (e.isComposing) return;
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'v') return;  // comes as a paste event
    if (!ours(e)) return;
    if (e.key !== 'Tab' || e.target === canvas) e.preventDefault();
    app.call('input_key', e.code, e.key.length === 1 ? e.key : '', down, modifiers(e));
  };
  addEventListener('keydown', (e) => send(e, 1));
  addEventListener('keyup', (e) => {
    app.call('input_key', e.code, '', 0, modifiers(e));
  });
  addEventListener('paste', (e) => {
    const files = [...(e.clipboardData?.files ?? [])];
    if (files.length) app.openFiles(files);
    else app.call('input_paste', e.clipboardData?.getData('text') ?? '');
    e.preventDefault();
  });
}

function files(canvas, app) {
  let depth = 0;
  const hasFiles = (e) => [...(e.dataTransfer?.types ?? [])].includes('Files');
  addEventListener('dragenter', (e) => { if (hasFiles(e) && ++depth === 1) app.call('app_dragging', 1); });
  addEventListener('dragleave', (e) => { if (hasFiles(e) && --depth === 0) app.call('app_dragging', 0); });
  addEventListener('dragover', (e) => e.preventDefault());
  addEventListener('drop', (e) => {
    e.preventDefault();
    depth = 0;
    app.call('app_dragging', 0);
    app.openFiles([...(e.dataTransfer?.files ?? [])]);
  });
}
