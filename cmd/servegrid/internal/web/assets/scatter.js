// A plain scatter of two columns of a result.

import { h, fill, short } from './dom.js';
import { ticks } from './chart.js';

const pad = { left: 70, right: 16, top: 22, bottom: 44 };

export class Scatter {
  constructor(box, result, { x, y, by }) {
    const [ix, iy, ib] = [x, y, by].map((c) => result.columns.indexOf(c));
    const rows = result.rows.filter((r) => typeof r[ix] === 'number' && typeof r[iy] === 'number');
    const range = (i) => rows.reduce(([a, b], r) => [Math.min(a, r[i]), Math.max(b, r[i])], [0, 1e-9]);
    const [[x0, x1], [y0, y1]] = [range(ix), range(iy)];
    const w = Math.max(280, box.clientWidth || 800);
    const height = Math.round(Math.min(420, w * 0.5));
    const px = (v) => pad.left + ((v - x0) / (x1 - x0)) * (w - pad.left - pad.right);
    const py = (v) => height - pad.bottom - ((v - y0) / (y1 - y0)) * (height - pad.top - pad.bottom);
    const groups = new Map();
    for (const r of rows) {
      const g = ib < 0 ? '' : String(r[ib]);
      if (!groups.has(g)) groups.set(g, []);
      groups.get(g).push(`M${px(r[ix]).toFixed(1)} ${py(r[iy]).toFixed(1)}h0`);
    }
    const names = [...groups.keys()];
    fill(box, h('svg', { class: 'chart', role: 'img', 'aria-label': `${y} against ${x}, ${rows.length} points`, viewBox: `0 0 ${w} ${height}`, height },
      h('g', { class: 'axes' }, ticks(y0, y1, 6).map((v) => [h('line', { x1: pad.left, x2: w - pad.right, y1: py(v), y2: py(v) }), h('text', { x: pad.left - 8, y: py(v) + 4, class: 'y' }, short(v))]),
        ticks(x0, x1, 7).map((v) => h('text', { x: px(v), y: height - pad.bottom + 18, class: 'x' }, short(v))),
        h('text', { x: (pad.left + w) / 2, y: height - 6, class: 'x name' }, x), h('text', { x: 6, y: 12, class: 'name' }, y)),
      names.map((g, i) => h('path', { class: `points c${i % 8}`, d: groups.get(g).join('') }))),
    names.length > 1 ? h('div', { class: 'legend' }, names.slice(0, 16).map((g, i) => h('span', { class: 'key' }, h('span', { class: `swatch agg c${i % 8}`, 'aria-hidden': 'true' }), g))) : null);
  }
}
