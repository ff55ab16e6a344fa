// Compare: systems, engines, versions and ways of serving side by side, other
// questions beside this one, what a million tokens cost, and two runs.

import { h, fill, field, num, table } from './dom.js';
import { post } from './api.js';
import { state, format, parse, questionKeys, sweepRequest, limitsOf } from './state.js';
import { Chart } from './chart.js';
import { unpack, pick, cost } from './rank.js';
import { describe, legend, nameOf, paint, swatch } from './row.js';
import { makeRuns, updateRuns } from './runs.js';

let app;
let chart;
const parts = {};
const answers = new Map(); // series by question

const pins = () => state.pins.split('|').filter(Boolean);
const prices = () => Object.fromEntries(state.prices.split(',').filter(Boolean).map((p) => p.split(':')).map(([k, v]) => [k, Number(v)]));
const labelOf = (s) => `${s.model.split('/').pop()} ${s.isl}/${s.osl} on ${s.gpus}`;

export function make(a) {
  app = a;
  const box = h('div', { id: 'chart-compare' });
  chart = new Chart(box, { label: 'Frontiers side by side', describe, x: { label: 'tokens/s/user', of: (r) => r.tokens_per_s_per_user, sign: 1 }, onselect: (r) => { if (!r.series.label) app.select(r); } });
  parts.prices = h('div', { class: 'grid' });
  parts.pins = h('div');
  parts.table = h('div');
  parts.legend = h('div', { class: 'legend' });
  return h('div', {},
    h('section', { class: 'box', 'aria-label': 'What is compared' }, h('h2', {}, 'Side by side'),
      h('p', { class: 'hint' }, 'Choose several systems, engines or versions above. Keep a question to compare it with the next one, for example another model.'),
      h('p', { class: 'buttons' }, h('button', {
        type: 'button', class: 'main', id: 'keep',
        onclick: () => { const q = format(state, questionKeys) || 'model='; app.set({ pins: [...new Set([...pins(), q])].slice(-5).join('|') }, { quiet: true }); update(); },
      }, 'Keep this question')), parts.pins, parts.prices, parts.table),
    h('section', { class: 'box', 'aria-label': 'Frontiers' }, h('h2', {}, 'Frontiers'), parts.legend, box),
    makeRuns(a));
}

function drawPrices() {
  const p = prices();
  const names = [...new Set(app.series.map((s) => s.system))];
  fill(parts.prices, names.map((n) => field(`$ per GPU-hour, ${n}`, h('input', {
    type: 'number', min: 0, step: 'any', 'data-price': n, value: p[n] ?? '', placeholder: 'no price',
    oninput: (e) => {
      const all = { ...prices() };
      if (Number(e.target.value) > 0) all[n] = Number(e.target.value);
      else delete all[n];
      app.set({ prices: Object.entries(all).map((x) => x.join(':')).join(',') }, { quiet: true });
      drawTable();
    },
  }))));
}

let compared = [];

function drawTable() {
  const p = prices();
  const rows = compared.map((s) => ({ s, best: pick(s, s.limits ?? limitsOf(state))[0] }));
  const most = Math.max(...rows.map((r) => r.best?.tokens_per_s_per_gpu_cluster ?? 0));
  rows.sort((a, b) => (b.best?.tokens_per_s_per_gpu_cluster ?? -1) - (a.best?.tokens_per_s_per_gpu_cluster ?? -1));
  fill(parts.table, table(['', 'tokens/s/GPU', 'of the best', 'tokens/s/user', 'TTFT ms', 'TPOT ms', 'requests/s', '$ per million tokens', 'deployment'], rows.map(({ s, best }) => {
    const c = best && cost(best, p[s.system]);
    return [h('span', {}, swatch(s), s.label ? `${s.label}: ` : '', nameOf(s)), num(best?.tokens_per_s_per_gpu_cluster), best ? `${num((best.tokens_per_s_per_gpu_cluster / most) * 100, 0)} %` : '–', num(best?.tokens_per_s_per_user), num(best?.ttft_ms), num(best?.tpot_ms),
      num(best?.seq_per_s), c ? `$${num(c, 3)}` : '–', best ? h('span', { class: 'deployment' }, best.deployment) : h('span', { class: 'hint' }, s.failed || s.closest || 'nothing within the limits')];
  }), { label: 'Side by side' }));
}

export async function update() {
  drawPrices();
  fill(parts.pins, pins().length ? h('ul', { class: 'pins' }, pins().map((q) => {
    const s = parse(q);
    return h('li', {}, h('span', {}, `${labelOf(s)}; TTFT ≤ ${s.ttft}, TPOT ≤ ${s.tpot}; ${s.systems}; ${s.backends}`), h('button', {
      type: 'button', class: 'quiet', 'aria-label': `Drop ${labelOf(s)}`, onclick: () => { app.set({ pins: pins().filter((x) => x !== q).join('|') }, { quiet: true }); update(); },
    }, '✕'));
  })) : null);
  // Copies, as a series has another colour here.
  const copy = (s, more) => {
    const own = { ...s, ...more };
    own.rows = s.rows.map((r) => ({ ...r, series: own }));
    return own;
  };
  const all = app.series.map((s) => copy(s));
  for (const q of pins()) {
    const s = parse(q);
    if (format(s, questionKeys) === format(state, questionKeys)) continue;
    try {
      if (!answers.has(q)) answers.set(q, unpack(await post('/api/sweep', sweepRequest(s))));
      all.push(...answers.get(q).map((x) => copy(x, { label: labelOf(s), limits: limitsOf(s) })));
    } catch (e) {
      fill(parts.pins, h('p', { class: 'error' }, `${labelOf(s)}: ${e.message}`));
    }
  }
  compared = paint(all);
  drawTable();
  const drawn = compared.filter((s) => s.rows.length);
  fill(parts.legend, legend(drawn));
  chart.show(drawn);
  await updateRuns();
}
