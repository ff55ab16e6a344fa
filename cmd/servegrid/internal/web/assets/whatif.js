// What if: other traffic or other fleets against the question above, and the fewest
// GPUs that carry a load.

import { h, fill, field, num, short, later, select, table } from './dom.js';
import { post, latest } from './api.js';
import { state, sweepRequest, limitsOf, list } from './state.js';
import { unpack, chosen } from './rank.js';
import { nameOf } from './row.js';

let app;
const parts = {};
const ask = latest((s, signal) => post('/api/sweep', sweepRequest(s), signal));

/** Sliders walk powers: every step is as large, in proportion, as the one before. */
const steps = {
  isl: [...Array(81).keys()].map((i) => Math.round(128 * 2 ** (i / 10))),
  osl: [...Array(71).keys()].map((i) => Math.round(32 * 2 ** (i / 10))),
  gpus: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024],
};
const labels = { isl: 'ISL, tokens', osl: 'OSL, tokens', gpus: 'GPUs' };
const other = () => ({ ...state, isl: state.xisl || state.isl, osl: state.xosl || state.osl, gpus: state.xgpus || state.gpus });

export function make(a) {
  app = a;
  parts.sliders = h('div', { class: 'sliders' });
  parts.out = h('div', { role: 'status' });
  parts.load = h('div', { role: 'status' });
  parts.rate = h('input', { id: 'rate', type: 'number', min: 0, step: 'any', value: state.rate, oninput: () => { if (Number(parts.rate.value) > 0) { app.set({ rate: Number(parts.rate.value) }, { quiet: true }); fewest(); } } });
  return h('div', { class: 'split even' },
    h('section', { class: 'box', 'aria-label': 'Other traffic' }, h('h2', {}, 'Other traffic, other fleet'), parts.sliders, parts.out),
    h('section', { class: 'box', 'aria-label': 'Fewest GPUs' }, h('h2', {}, 'Fewest GPUs for a load'), h('p', { class: 'hint' }, 'Within the limits above, on every system and engine that is chosen.'),
      h('div', { class: 'grid' }, field('Load', select([['rate', 'requests per second'], ['concurrency', 'requests in flight']], state.load, (v) => { app.set({ load: v }, { quiet: true }); fewest(); }, { id: 'load' })), field('Amount', parts.rate)), parts.load));
}

function drawSliders() {
  fill(parts.sliders, Object.entries(steps).map(([key, values]) => {
    const x = `x${key}`;
    const now = other()[key];
    const at = values.reduce((best, v, i) => (Math.abs(Math.log(v / now)) < Math.abs(Math.log(values[best] / now)) ? i : best), 0);
    const out = h('output', {}, short(now));
    return h('label', { class: 'field slider' }, h('span', {}, labels[key]), h('input', {
      type: 'range', id: `s-${key}`, min: 0, max: values.length - 1, value: at, 'aria-valuetext': String(now),
      oninput: (e) => {
        const v = values[e.target.value];
        out.textContent = short(v);
        e.target.setAttribute('aria-valuetext', String(v));
        app.set({ [x]: v }, { quiet: true });
        run();
      },
    }), out);
  }));
}

const run = later(40, async () => {
  try {
    const s = other();
    const all = unpack(await ask(s));
    const then = chosen(all, limitsOf(s));
    const now = app.best;
    const line = (label, f, digits = 2) => {
      const [a, b] = [now && f(now), then && f(then)];
      return [label, num(a, digits), num(b, digits), a && b ? `${b >= a ? '+' : ''}${num((b / a - 1) * 100, 1)} %` : '–'];
    };
    fill(parts.out, then ? h('p', {}, h('strong', {}, nameOf(then.series)), ': ', h('span', { class: 'deployment' }, then.deployment)) : h('p', { class: 'error' }, 'Nothing meets the limits then. ', all.find((x) => x.closest)?.closest ?? all[0]?.failed ?? ''),
      h('p', { class: 'hint' }, `Now ISL ${state.isl}, OSL ${state.osl}, ${state.gpus} GPUs; then ISL ${s.isl}, OSL ${s.osl}, ${s.gpus} GPUs.`),
      table(['', 'now', 'then', 'change'], [
        line('tokens/s/GPU', (r) => r.tokens_per_s_per_gpu_cluster), line('tokens/s in all', (r) => r.tokens_per_s_per_gpu_cluster * r.total_gpus, 0),
        line('requests/s', (r) => r.seq_per_s), line('tokens/s/user', (r) => r.tokens_per_s_per_user), line('TTFT, ms', (r) => r.ttft_ms), line('TPOT, ms', (r) => r.tpot_ms),
      ], { label: 'Now and then' }),
      h('p', { class: 'buttons' },
        h('button', { type: 'button', onclick: () => { app.set({ isl: s.isl, osl: s.osl, gpus: s.gpus, xisl: 0, xosl: 0, xgpus: 0, sel: '' }); app.form.read(); update(); } }, 'Ask this instead'),
        h('button', { type: 'button', class: 'quiet', onclick: () => { app.set({ xisl: 0, xosl: 0, xgpus: 0 }, { quiet: true }); update(); } }, 'Reset')));
  } catch (e) {
    if (e.name !== 'AbortError') fill(parts.out, h('p', { class: 'error' }, e.message));
  }
});

const fewest = later(80, async () => {
  const q = { model_path: state.model, isl: state.isl, osl: state.osl, prefix: state.prefix, ttft: state.ttft, tpot: state.tpot, database_mode: state.data, estimator: state.estimator };
  if (state.mode !== 'auto') q.serving_mode = state.mode;
  q[state.load === 'rate' ? 'target_request_rate' : 'target_concurrency'] = state.rate;
  const have = app.options.systems.flatMap((s) => list(state.systems).includes(s.name) ? list(state.backends).filter((b) => s.versions[b]).map((b) => [s.name, b]) : []);
  const rows = [];
  const reasons = [];
  for (const [system, backend] of have) {
    try {
      const r = await post('/api/recommend', { ...q, system, backend });
      const at = Object.fromEntries(r.columns.map((c, i) => [c, i]));
      for (const x of r.rows) rows.push({ gpus: x[at.gpus_needed], per: x[at.tokens_per_s_per_gpu], cells: [`${system} ${backend} ${x[at.mode]}`, x[at.gpus_needed], x[at.replicas_needed], num(x[at.seq_per_s]), num(x[at.ttft_ms]), num(x[at.tpot_ms]), h('span', { class: 'deployment' }, x[at.deployment])] });
      for (const t of r.notes ?? []) reasons.push(`${system} ${backend} ${t}`);
    } catch (e) {
      reasons.push(`${system} ${backend}: ${e.message}`);
    }
  }
  rows.sort((a, b) => a.gpus - b.gpus || b.per - a.per);
  fill(parts.load, rows.length ? [h('p', { class: 'verdict' }, h('strong', { id: 'fewest' }, `${rows[0].gpus} GPUs`), ` carry ${short(state.rate)} ${state.load === 'rate' ? 'requests/s' : 'requests in flight'}.`),
    table(['on', 'GPUs', 'replicas', 'requests/s', 'TTFT ms', 'TPOT ms', 'deployment'], rows.slice(0, 12).map((r) => r.cells), { label: 'Fewest GPUs' })] : h('p', { class: 'error' }, 'Nothing carries the load within the limits.'),
  reasons.length ? h('ul', { class: 'reasons' }, reasons.map((t) => h('li', {}, t))) : null);
});

export function update() { drawSliders(); run(); fewest(); }
