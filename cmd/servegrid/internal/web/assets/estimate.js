// Estimate: one configuration, what dominates it, and what fills its memory.

import { h, fill, field, select, num, later, copyButton, table } from './dom.js';
import { post, latest } from './api.js';
import { state } from './state.js';

let app;
const parts = {};
const sizes = [['tp', 'TP', 'tp_size'], ['pp', 'PP', 'pp_size'], ['dp', 'DP', 'attention_dp_size'], ['etp', 'MoE TP', 'moe_tp_size'], ['ep', 'MoE EP', 'moe_ep_size']];
const kinds = [['agg', 'aggregated'], ['static', 'static batch'], ['static_ctx', 'prefill only'], ['static_gen', 'decode only']];
const ask = latest((q, signal) => post('/api/estimate', q, signal));

/** shapeOf reads the layout of a row's worker out of its name, as tp2pp1dp1etp1ep1. */
function shapeOf(row, prefill) {
  const s = { kind: row.series.mode === 'agg' ? 'agg' : prefill ? 'static_ctx' : 'static_gen', system: row.series.system, backend: row.series.backend, version: row.series.version, ctx: prefill ? null : row.ctx_tokens };
  const name = prefill ? row.prefill_parallel : row.parallel;
  for (const [key] of sizes) s[key] = Number(new RegExp(`(?:^|\\d)${key}(\\d+)`).exec(name)?.[1] ?? 1);
  s.bs = prefill ? row.prefill_bs : row.bs;
  return s;
}

let shape = null; // what the form says; null: the chosen row

const current = () => {
  if (shape) return shape;
  if (state.shape) {
    try { return JSON.parse(state.shape); } catch { /* somebody else's URL */ }
  }
  const row = app.selected();
  return row ? shapeOf(row, false) : { kind: 'agg', system: 'h200_sxm', backend: 'trtllm', version: '', tp: 1, pp: 1, dp: 1, etp: 1, ep: 1, bs: 8 };
};

function change(c) {
  shape = { ...current(), ...c };
  app.set({ shape: JSON.stringify(shape) }, { quiet: true });
  run();
}

export function make(a) {
  app = a;
  parts.form = h('div', { class: 'grid' });
  parts.from = h('p', { class: 'buttons' });
  parts.out = h('div');
  return h('div', { class: 'split' },
    h('section', { class: 'box', 'aria-label': 'Configuration' }, h('h2', {}, 'One configuration'), h('p', { class: 'hint' }, 'Model and lengths are those above.'), parts.from, parts.form),
    h('section', { class: 'box', 'aria-label': 'Estimate' }, h('h2', {}, 'Estimate'), parts.out));
}

function drawForm() {
  const s = current();
  const number = (key, label) => field(label, h('input', { type: 'number', id: `e-${key}`, min: 1, value: s[key] ?? '', oninput: (e) => { if (e.target.value === '' || Number(e.target.value) >= 1) change({ [key]: Number(e.target.value) || null }); } }));
  fill(parts.form,
    field('Kind', select(kinds, s.kind, (v) => change({ kind: v }))),
    field('System', select(app.options.systems.map((x) => x.name), s.system, (v) => change({ system: v, version: '' }))),
    field('Engine', select(app.options.backends, s.backend, (v) => { change({ backend: v, version: '' }); drawForm(); })),
    field('Version', select([['', 'newest'], ...(app.options.systems.find((x) => x.name === s.system)?.versions[s.backend] ?? [])], s.version, (v) => change({ version: v }))),
    number('bs', 'Batch per rank'), number('ctx', 'Context tokens a step'), sizes.map(([key, label]) => number(key, label)));
  const row = app.selected();
  const take = (prefill) => { shape = null; app.set({ shape: JSON.stringify(shapeOf(row, prefill)) }, { quiet: true }); update(); };
  fill(parts.from, row && (row.series.mode === 'agg'
    ? h('button', { type: 'button', onclick: () => take(false) }, 'Take the chosen row')
    : [h('button', { type: 'button', onclick: () => take(true) }, 'Take its prefill worker'), h('button', { type: 'button', onclick: () => take(false) }, 'Take its decode worker')]));
}

const run = later(80, async () => {
  const s = current();
  const q = { model_path: state.model, database_mode: state.data, quant: state.quant, isl: state.isl, osl: state.osl, prefix: state.prefix, estimate_mode: s.kind, system: s.system, backend: s.backend, batch_size: s.bs };
  if (s.version) q.backend_version = s.version;
  if (s.ctx) q.ctx_tokens = s.ctx;
  for (const [key, , flag] of sizes) q[flag] = s[key];
  try {
    show(await ask(q));
  } catch (e) {
    if (e.name !== 'AbortError') fill(parts.out, h('p', { class: 'error', role: 'alert' }, e.message));
  }
});

function show(reply) {
  const f = Object.fromEntries(reply.figures.map((x) => [x.name, x.value]));
  const memory = ['weights', 'activations', 'kvcache', 'nccl', 'others'].map((m) => [m, f[`memory_${m}_gib`]]);
  const total = f.memory_total_gib;
  const capacity = f.memory_capacity_gib;
  const span = Math.max(total, capacity);
  const bar = h('div', { class: 'stack', role: 'img', 'aria-label': `Memory: ${num(total)} of ${num(capacity)} GiB` });
  memory.forEach(([m, v], i) => {
    const part = h('span', { class: `c${i}`, title: `${m} ${num(v)} GiB` });
    part.style.width = `${(v / span) * 100}%`;
    bar.append(part);
  });
  fill(parts.out,
    h('p', {}, h('code', {}, f.layout), ` on ${f.tables}; ${f.formats}`),
    h('dl', { class: 'facts' }, [['TTFT', f.ttft_ms, 'ms'], ['TPOT', f.tpot_ms, 'ms'], ['request latency', f.request_latency_ms, 'ms'], ['tokens/s/GPU', f.tokens_per_s_per_gpu, ''], ['tokens/s/user', f.tokens_per_s_per_user, ''], ['requests/s', f.seq_per_s, '']]
      .filter(([, v]) => v > 0).map(([k, v, u]) => h('div', {}, h('dt', {}, k), h('dd', { id: k === 'tokens/s/GPU' ? 'e-gpu' : null }, `${num(v)} ${u}`)))),
    h('h3', {}, 'Memory of one GPU'),
    h('p', { class: f.fits ? 'hint' : 'error' }, `${num(total)} of ${num(capacity)} GiB${f.fits ? `, ${num(capacity - total)} free` : ': it does not fit'}`),
    bar, h('div', { class: 'legend' }, memory.map(([m, v], i) => h('span', { class: 'key' }, h('span', { class: `swatch agg c${i}`, 'aria-hidden': 'true' }), `${m} ${num(v)} GiB`))),
    reply.phases.map(breakdown),
    h('p', {}, 'The same on the command line: ', copyButton('Copy', () => reply.command)), h('pre', {}, reply.command));
}

/** breakdown shows where the time of a phase goes, largest first. */
function breakdown(p) {
  const ops = p.operators.filter((o) => o.ms > 0).sort((a, b) => b.ms - a.ms);
  const rows = ops.map((o) => {
    const b = h('span', { class: 'bar c0' });
    b.style.width = `${(o.ms / ops[0].ms) * 100}%`;
    return [h('span', { class: 'op' }, o.name), num(o.ms, 3), `${num((o.ms / p.total_ms) * 100, 1)} %`, h('span', { class: 'track', 'aria-hidden': 'true' }, b)];
  });
  return h('section', {}, h('h3', {}, `${p.name === 'context' ? 'Context phase' : 'Decode steps'}: ${num(p.total_ms)} ms`),
    h('p', { class: 'hint' }, `${p.about}.${ops.length ? ` The bottleneck is ${ops[0].name}, ${num((ops[0].ms / p.total_ms) * 100, 1)} % of the time.` : ''}`),
    table(['operator', 'ms', 'share', ''], rows, { label: `Operators of the ${p.name} phase` }));
}

export function update() { drawForm(); run(); }
