// Explore: every configuration on a chart, limits to drag, the ranked table, and
// what is covered.

import { h, fill, num, short, csv, save, copyButton, table } from './dom.js';
import { get } from './api.js';
import { state, limitsOf } from './state.js';
import { Chart } from './chart.js';
import { pick, within } from './rank.js';
import { describe, nameOf, swatch, legend, figures } from './row.js';

const columns = [
  ['tokens/s/GPU', 'tokens_per_s_per_gpu_cluster', (r) => num(r.tokens_per_s_per_gpu_cluster)],
  ['tokens/s/user', 'tokens_per_s_per_user', (r) => num(r.tokens_per_s_per_user)],
  ['TTFT ms', 'ttft_ms', (r) => num(r.ttft_ms)],
  ['TPOT ms', 'tpot_ms', (r) => num(r.tpot_ms)],
  ['request ms', 'request_latency_ms', (r) => num(r.request_latency_ms)],
  ['concurrency', 'concurrency', (r) => `${r.concurrency} (=${r.concurrency / r.replicas}x${r.replicas})`],
  ['GPUs (used)', 'used_gpus', (r) => `${r.total_gpus} (${r.used_gpus}=${r.replicas}x${r.replica_gpus})`],
];

let app;
let speed;
let wait;
let order = null; // [key, 1 or -1] of a column that was clicked
const few = 10; // rows that are listed at first
let whole = false;
const parts = {};

export function make(a) {
  app = a;
  const left = h('div', { id: 'chart-speed' });
  const right = h('div', { id: 'chart-ttft' });
  const common = { describe, onselect: (r) => app.select(r), ondrop: () => { app.form.read(); app.set({}); } };
  speed = new Chart(left, {
    ...common, label: 'Throughput of a GPU against the speed of a user',
    x: { label: 'tokens/s/user', of: (r) => r.tokens_per_s_per_user, sign: 1 },
    limit: { label: 'TPOT', step: 0.1, most: 1000, value: () => state.tpot, at: () => (state.latency > 0 ? 0 : 1000 / state.tpot), to: (x) => Number((1000 / x).toFixed(2)) },
    ondrag: (v) => { app.set({ tpot: v }, { live: true }); app.form.read(); },
  });
  wait = new Chart(right, {
    ...common, label: 'Throughput of a GPU against the time to the first token',
    x: { label: 'TTFT (ms)', of: (r) => r.ttft_ms, sign: -1, max: () => state.ttft * 3 },
    limit: { label: 'TTFT', step: 10, most: 60000, value: () => state.ttft, at: () => (state.latency > 0 ? 0 : state.ttft), to: (x) => Math.max(1, Math.round(x)) },
    ondrag: (v) => { app.set({ ttft: v }, { live: true }); app.form.read(); },
  });
  parts.legend = h('div', { class: 'legend' });
  parts.card = h('section', { class: 'box selected', 'aria-label': 'Chosen configuration' });
  parts.table = h('section', { class: 'box', 'aria-label': 'Ranked configurations' });
  parts.coverage = h('section', { class: 'box', 'aria-label': 'Coverage' });
  parts.matrix = h('div');
  return h('div', { class: 'explore' },
    h('section', { class: 'box charts', 'aria-label': 'Frontiers' },
      h('h2', {}, 'Frontiers'), h('p', { class: 'hint' }, 'Drag a limit, or focus it and use the arrow keys. Click a point to choose it.'), parts.legend,
      h('div', { class: 'two-charts' }, left, right)),
    parts.card, parts.table, parts.coverage);
}

export function update() {
  const l = limitsOf(state);
  const chosen = app.selected();
  const drawn = app.shown ?? [];
  // Series that failed have no rows; they are told of under coverage.
  const cloud = drawn.map((s) => app.around.find((x) => x.key === s.key)?.rows ?? s.rows);
  const top = Math.max(1, ...cloud.flat().map((r) => r.tokens_per_s_per_gpu_cluster));
  const view = { selected: chosen, best: app.best, cloud, top };
  speed.show(drawn, view);
  // What a limit on the tokens leaves, so that both charts tell the same story.
  const inTime = (rows) => rows.filter((r) => l.latency > 0 || r.tpot_ms <= l.tpot);
  wait.show(drawn.map((s) => ({ ...s, rows: inTime(s.rows) })), { ...view, cloud: cloud.map(inTime) });
  fill(parts.legend, legend(drawn.filter((s) => s.rows.length)));
  drawCard(chosen);
  drawTable(l, chosen);
  drawCoverage(l);
}

function drawCard(r) {
  if (!r) {
    fill(parts.card, h('h2', {}, 'Chosen configuration'), h('p', { class: 'hint' }, 'Nothing meets the limits. Loosen one, or choose a point of the chart.'));
    return;
  }
  fill(parts.card, h('h2', {}, r === app.best && !state.sel ? 'Best configuration' : 'Chosen configuration'),
    h('p', {}, swatch(r.series), h('strong', {}, nameOf(r.series)), h('br'), h('span', { class: 'deployment' }, r.deployment)),
    h('dl', { class: 'facts' }, figures(r).map(([k, v]) => h('div', {}, h('dt', {}, k), h('dd', {}, v)))),
    within(r, limitsOf(state)) ? null : h('p', { class: 'error' }, 'This configuration misses the limits.'),
    h('p', { class: 'buttons' },
      h('button', { type: 'button', class: 'main', onclick: () => app.show('deploy') }, 'Deploy'),
      h('button', { type: 'button', onclick: () => app.show('estimate') }, 'Take apart'),
      h('button', { type: 'button', onclick: () => app.show('validate') }, 'Validate'),
      state.sel && h('button', { type: 'button', class: 'quiet', onclick: () => { app.set({ sel: '' }, { quiet: true }); update(); } }, 'Back to the best')),
    h('details', {}, h('summary', {}, 'Where the figures come from'), h('ul', {}, (r.series.notes ?? []).map((n) => h('li', {}, n))),
      h('p', {}, 'The same on the command line: ', copyButton('Copy', () => r.series.command)), h('pre', {}, r.series.command)));
}

function drawTable(l, chosen) {
  const modes = ['all', 'agg', 'disagg'];
  let rows = app.ranked.filter((r) => state.show === 'all' || r.series.mode === state.show);
  const rank = new Map(rows.map((r, i) => [r, i + 1]));
  if (order) rows = [...rows].sort((a, b) => order[1] * ((a[order[0]] ?? 0) - (b[order[0]] ?? 0)));
  const sortable = ([label, key]) => h('th', { scope: 'col', class: 'n', 'aria-sort': order?.[0] === key ? (order[1] > 0 ? 'ascending' : 'descending') : null },
    h('button', {
      type: 'button', class: 'head',
      onclick: () => { order = order?.[0] === key ? (order[1] < 0 ? [key, 1] : null) : [key, -1]; update(); },
    }, label));
  const flat = () => [['rank', 'system', 'backend', 'version', 'mode', 'deployment', ...columns.map((c) => c[1]), 'memory_gib'],
    rows.map((r) => [rank.get(r), r.series.system, r.series.backend, r.series.version, r.series.mode, r.deployment, ...columns.map((c) => r[c[1]]), r.memory_gib])];
  fill(parts.table, h('div', { class: 'headline' }, h('h2', {}, 'Ranked'),
    h('span', { class: 'segments', role: 'group', 'aria-label': 'Ways of serving' }, modes.map((m) => h('button', {
      type: 'button', 'aria-pressed': String(state.show === m), onclick: () => { app.set({ show: m }, { quiet: true }); update(); },
    }, m))),
    h('span', { class: 'grow' }),
    h('button', { type: 'button', class: 'quiet', onclick: () => save('servegrid.csv', 'text/csv', csv(...flat())) }, 'CSV'),
    copyButton('Copy JSON', () => { const [c, rs] = flat(); return JSON.stringify(rs.map((r) => Object.fromEntries(r.map((v, i) => [c[i], v]))), null, 2); })),
  rows.length === 0 ? h('p', { class: 'hint' }, 'No configuration meets the limits.') : h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ranked configurations, by tokens/s/GPU' },
    h('table', { id: 'ranked' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, '#'), columns.slice(0, 2).map(sortable), h('th', { scope: 'col' }, 'Configuration'), columns.slice(2).map(sortable))),
      h('tbody', {}, rows.slice(0, whole ? rows.length : few).map((r) => h('tr', { class: r.id === chosen?.id ? 'on' : null, onclick: () => app.select(r) },
        h('td', {}, String(rank.get(r))), columns.slice(0, 2).map((c) => h('td', { class: 'n' }, c[2](r))),
        h('td', {}, h('button', { type: 'button', class: 'pick', 'aria-pressed': String(r.id === chosen?.id) }, swatch(r.series), h('span', {}, h('b', {}, r.deployment), h('small', {}, nameOf(r.series))))),
        columns.slice(2).map((c) => h('td', { class: 'n' }, c[2](r)))))))),
  rows.length > few ? h('button', { type: 'button', class: 'quiet', onclick: () => { whole = !whole; update(); } }, whole ? `Only the first ${few}` : `All ${rows.length}`) : null);
}

function drawCoverage(l) {
  const rows = app.series.map((s) => {
    const inside = s.rows.filter((r) => within(r, l)).length;
    const best = pick(s, l)[0];
    return [h('span', {}, swatch(s), nameOf(s)), s.rows.length ? String(s.rows.length) : '–', s.rows.length ? String(inside) : '–', best ? num(best.tokens_per_s_per_gpu_cluster) : '–',
      s.failed || s.closest || (s.notes ?? []).filter((n) => n.startsWith('Kernel data') || n.startsWith('Estimator')).join(' ')];
  });
  fill(parts.coverage, h('h2', {}, 'Coverage'), app.reply && h('p', { class: 'hint' }, `${short(app.reply.scored)} candidates scored in ${short(app.reply.ms)} ms.`, (app.reply.notes ?? []).map((n) => ` ${n}.`)),
    table(['asked', 'configurations', 'within the limits', 'best tokens/s/GPU', 'reason, or where the figures come from'], rows, { label: 'Coverage of what is asked' }),
    h('p', { class: 'buttons' }, h('button', { type: 'button', onclick: matrix }, 'Is this model covered elsewhere?')), parts.matrix);
}

/** matrix shows on which systems and engines the model can be served. */
async function matrix() {
  try {
    const t = await get('/api/support', { model_path: state.model, system: 'all', backend: 'all' });
    const at = Object.fromEntries(t.columns.map((c, i) => [c, i]));
    const { systems, backends } = app.options;
    const cell = (s, b) => {
      const rs = t.rows.filter((r) => r[at.system] === s && r[at.backend] === b);
      if (rs.every((r) => r[at.status] === 'refused' && !r[at.version])) return h('span', { class: 'no', title: rs[0]?.[at.reason] ?? '' }, '–');
      return h('span', {}, rs.map((r) => h('span', { class: r[at.status] === 'supported' ? 'yes' : 'no', title: r[at.reason] ?? '' }, `${r[at.mode]} ${r[at.status] === 'supported' ? '✓' : '✗'} `)));
    };
    const reasons = t.rows.filter((r) => r[at.reason] && r[at.version]).map((r) => h('li', {}, `${r[at.system]} ${r[at.backend]} ${r[at.mode]}: ${r[at.status]}: ${r[at.reason]}`));
    fill(parts.matrix, h('h3', {}, `Support of ${state.model}`), table(['system', ...backends], systems.map((s) => [s.name, ...backends.map((b) => cell(s.name, b))]), { label: 'Support' }),
      reasons.length ? h('ul', { class: 'reasons' }, reasons) : null);
  } catch (e) {
    fill(parts.matrix, h('p', { class: 'error' }, e.message));
  }
}
