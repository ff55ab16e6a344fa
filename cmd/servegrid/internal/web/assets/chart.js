// The chart of frontiers: every configuration a faint dot, the ones that nothing
// beats a line, limits as lines to drag. Drawn as SVG; colours are classes, as the
// page allows no inline style.

import { h, fill, short } from './dom.js';
import { frontier } from './rank.js';

const pad = { left: 58, right: 18, top: 18, bottom: 44 };

/** ticks are round numbers that cover a range. */
export function ticks(low, high, want) {
  const span = high - low || 1;
  const raw = span / want;
  const p = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * p).find((s) => span / s <= want) ?? 10 * p;
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) out.push(Number(v.toPrecision(12)));
  return out;
}

/**
 * A Chart draws series of rows. options: label; x {label, of(row), sign, max};
 * limit {label, at(), to(x), step} of a line to drag; describe(row) of the card;
 * onselect(row), ondrag(value), ondrop().
 */
export class Chart {
  constructor(box, options) {
    this.o = options;
    this.box = box;
    this.series = [];
    this.cloud = [];
    this.svg = h('svg', { class: 'chart', role: 'group', 'aria-label': options.label });
    this.card = h('div', { class: 'card', hidden: true });
    box.classList.add('chartbox');
    fill(box, this.svg, this.card);
    this.svg.addEventListener('pointermove', (e) => this.hover(e));
    this.svg.addEventListener('pointerleave', () => this.point(null));
    this.svg.addEventListener('click', (e) => { if (!this.dragged && this.hovered && !e.target.closest('.limit')) options.onselect?.(this.hovered); });
    new ResizeObserver(() => this.draw()).observe(box);
  }

  /** show draws other series. cloud are rows for the faint dots, by series index; top is
      the end of the upright axis, for charts side by side. */
  show(series, { selected, best, cloud, top } = {}) {
    Object.assign(this, { series, selected, best, top, cloud: cloud ?? series.map((s) => s.rows) });
    this.draw();
  }

  scale() {
    const { of, max } = this.o.x;
    const points = this.cloud.flat();
    const limit = this.o.limit?.at();
    let mx = 1e-9;
    let my = 1e-9;
    for (const r of points) {
      mx = Math.max(mx, of(r));
      my = Math.max(my, r.tokens_per_s_per_gpu_cluster);
    }
    if (max) mx = Math.min(mx, max());
    if (limit) mx = Math.max(mx, limit * 1.08);
    this.w = Math.max(260, this.box.clientWidth);
    this.h = innerWidth < 720 ? 270 : 380; // of charts side by side the same
    this.mx = mx * 1.04;
    this.my = (this.top ?? my) * 1.06;
    this.px = (v) => pad.left + (v / this.mx) * (this.w - pad.left - pad.right);
    this.py = (v) => this.h - pad.bottom - (v / this.my) * (this.h - pad.top - pad.bottom);
    this.vx = (p) => ((p - pad.left) / (this.w - pad.left - pad.right)) * this.mx;
  }

  draw() {
    if (!this.box.clientWidth) return;
    if (!this.dragging) this.scale();
    const { w, h: height, px, py } = this;
    const { of, sign } = this.o.x;
    const bottom = height - pad.bottom;
    const axes = h('g', { class: 'axes', 'aria-hidden': 'true' },
      ticks(0, this.my, 6).map((v) => [h('line', { x1: pad.left, x2: w - pad.right, y1: py(v), y2: py(v) }), h('text', { x: pad.left - 8, y: py(v) + 4, class: 'y' }, short(v))]),
      ticks(0, this.mx, Math.max(3, Math.floor(w / 110))).map((v) => h('text', { x: px(v), y: bottom + 18, class: 'x' }, short(v))),
      h('text', { x: (pad.left + w - pad.right) / 2, y: height - 6, class: 'x name' }, this.o.x.label),
      h('text', { x: 6, y: 12, class: 'name' }, 'tokens/s/GPU'));
    const seen = (r) => of(r) <= this.mx;
    const dots = this.cloud.map((rows, i) => h('path', { class: `dots c${this.color(i)}`, d: rows.filter(seen).map((r) => `M${px(of(r)).toFixed(1)} ${py(r.tokens_per_s_per_gpu_cluster).toFixed(1)}h0`).join('') }));
    this.fronts = this.series.map((s) => frontier(s.rows, of, sign).filter(seen));
    const lines = this.fronts.map((f, i) => h('g', { class: `front c${this.color(i)} ${this.series[i].mode}` },
      h('path', { d: f.map((r, n) => `${n ? 'L' : 'M'}${px(of(r)).toFixed(1)} ${py(r.tokens_per_s_per_gpu_cluster).toFixed(1)}`).join('') }),
      f.map((r) => this.mark(r, 3))));
    const marks = [];
    if (this.best && seen(this.best)) marks.push(h('g', { class: 'best' }, this.mark(this.best, 7)));
    if (this.selected && seen(this.selected)) marks.push(h('g', { class: 'chosen' }, this.mark(this.selected, 10)));
    this.ring = h('g', { class: 'ring' });
    const keys = h('rect', {
      class: 'keys', x: pad.left, y: pad.top, width: w - pad.left - pad.right, height: bottom - pad.top, tabindex: 0, role: 'button',
      'aria-label': `${this.o.label}: arrow keys walk along the frontiers, Enter chooses`, onkeydown: (e) => this.walk(e),
    });
    const focused = this.svg.contains(document.activeElement) ? document.activeElement.getAttribute('class') : null;
    this.svg.setAttribute('viewBox', `0 0 ${w} ${height}`);
    this.svg.setAttribute('height', height);
    this.limitLine = this.o.limit?.at() > 0 ? this.makeLimit(bottom) : null;
    fill(this.svg, axes, dots, keys, lines, marks, this.ring, this.limitLine);
    if (focused) this.svg.querySelector(`[class="${focused}"]`)?.focus();
  }

  color(i) { return this.series[i].color; }

  /** mark is a dot for aggregated and a diamond for disaggregated serving. */
  mark(r, size) {
    const x = this.px(this.o.x.of(r));
    const y = this.py(r.tokens_per_s_per_gpu_cluster);
    if (r.series.mode === 'agg') return h('circle', { cx: x, cy: y, r: size });
    const d = size * 1.25;
    return h('path', { d: `M${x} ${y - d}L${x + d} ${y}L${x} ${y + d}L${x - d} ${y}Z` });
  }

  makeLimit(bottom) {
    const l = this.o.limit;
    const x = Math.min(this.px(l.at()), this.w - pad.right);
    const left = x > this.w * 0.6;
    const good = this.o.x.sign > 0 ? [x, this.w - pad.right] : [pad.left, x];
    const bad = this.o.x.sign > 0 ? [pad.left, x] : [x, this.w - pad.right];
    return h('g', {},
      h('rect', { class: 'beyond', x: bad[0], y: pad.top, width: Math.max(0, bad[1] - bad[0]), height: bottom - pad.top, 'data-good': good.join() }),
      h('g', {
        class: 'limit', tabindex: 0, role: 'slider', 'aria-label': l.label, 'aria-valuenow': l.value(), 'aria-valuemin': 0, 'aria-valuemax': l.most,
        'aria-valuetext': `${short(l.value())} ms`,
        onpointerdown: (e) => this.grab(e), onkeydown: (e) => this.nudge(e),
      },
      h('line', { x1: x, x2: x, y1: pad.top, y2: bottom }),
      h('rect', { class: 'grip', x: x - 11, y: pad.top, width: 22, height: bottom - pad.top }),
      h('path', { class: 'handle', d: `M${x - 7} ${bottom - 9}h14v18h-14z` }),
      h('text', { x: left ? x - 8 : x + 8, y: pad.top + 12, class: left ? 'end' : null }, `${l.label} ${short(l.value())} ms`)));
  }

  grab(e) {
    e.preventDefault();
    this.dragging = true;
    this.dragged = false;
    const move = (ev) => {
      this.dragged = true;
      const box = this.svg.getBoundingClientRect();
      const p = ((ev.clientX - box.left) / box.width) * this.w;
      this.o.ondrag(this.o.limit.to(Math.max(this.mx / 1000, this.vx(Math.min(p, this.w - pad.right)))));
    };
    const up = () => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', up);
      this.dragging = false;
      setTimeout(() => { this.dragged = false; });
      this.o.ondrop();
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('pointercancel', up);
  }

  nudge(e) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[e.key];
    if (!by) return;
    e.preventDefault();
    const l = this.o.limit;
    this.o.ondrag(Math.max(l.step, Number((l.value() + by * l.step).toFixed(3))));
    this.o.ondrop();
  }

  /** walk moves along all frontier points in order of x. */
  walk(e) {
    const all = this.fronts.flat().sort((a, b) => this.o.x.of(a) - this.o.x.of(b));
    if (!all.length) return;
    const at = all.indexOf(this.hovered);
    if (e.key === 'Enter' || e.key === ' ') {
      e.preventDefault();
      if (this.hovered) this.o.onselect?.(this.hovered);
    } else if (e.key === 'ArrowRight' || e.key === 'ArrowLeft') {
      e.preventDefault();
      this.point(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + (e.key === 'ArrowRight' ? 1 : -1)))]);
    } else if (e.key === 'Escape') this.point(null);
  }

  hover(e) {
    if (this.dragging || !this.px) return;
    const box = this.svg.getBoundingClientRect();
    const x = ((e.clientX - box.left) / box.width) * this.w;
    const y = ((e.clientY - box.top) / box.height) * this.h;
    let best = null;
    let near = 24 ** 2;
    const front = new Set(this.fronts.flat());
    for (const r of [...front, ...this.cloud.flat()]) {
      // Points of a frontier are easier to hit than those behind it, and win where both lie.
      const d = ((this.px(this.o.x.of(r)) - x) ** 2 + (this.py(r.tokens_per_s_per_gpu_cluster) - y) ** 2) * (front.has(r) ? 0.3 : 1);
      if (d < near) [near, best] = [d, r];
    }
    this.point(best);
  }

  /** point shows the card of a row. */
  point(r) {
    this.hovered = r;
    this.svg.classList.toggle('pointing', Boolean(r));
    fill(this.ring, r && this.mark(r, 8));
    this.card.hidden = !r;
    if (!r) return;
    fill(this.card, this.o.describe(r));
    const f = this.box.clientWidth / this.w;
    const x = this.px(this.o.x.of(r)) * f;
    const y = this.py(r.tokens_per_s_per_gpu_cluster) * f;
    const left = x + 16 + this.card.offsetWidth > this.box.clientWidth ? Math.max(0, x - 16 - this.card.offsetWidth) : x + 16;
    this.card.style.left = `${left}px`;
    this.card.style.top = `${Math.max(0, Math.min(y - 30, this.box.clientHeight - this.card.offsetHeight))}px`;
  }
}
