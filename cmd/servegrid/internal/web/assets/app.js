// The page: a question above, an answer below it, and panels that look at it from
// different sides. Panels are made once and told when something changes.

import { h, fill, later, num } from './dom.js';
import { get, post, latest } from './api.js';
import { state, defaults, readURL, writeURL, sweepRequest, limitsOf } from './state.js';
import { unpack, rankAll, chosen, pick } from './rank.js';
import { paint, nameOf } from './row.js';
import { questionForm } from './question.js';
import * as explore from './explore.js';
import * as compare from './compare.js';
import * as deploy from './deploy.js';
import * as validate from './validate.js';
import * as whatif from './whatif.js';
import * as estimate from './estimate.js';
import * as ask from './ask.js';

const panels = { explore, compare, deploy, validate, whatif, estimate, ask };
const titles = { explore: 'Explore', compare: 'Compare', deploy: 'Deploy', validate: 'Validate', whatif: 'What if', estimate: 'Estimate', ask: 'Ask' };

/** app is what panels see: the options, the series that were scored, and what to do. */
export const app = {
  options: null,
  series: [], // exact for the limits
  around: [], // the same with four times the TTFT: what lies beyond the limit
  ranked: [],
  best: null,
  error: '',
  busy: false,
  set, select, selected, refresh, show,
};

const $ = (id) => document.getElementById(id);
const askSweep = latest((s, signal) => post('/api/sweep', sweepRequest(s), signal));
const askAround = latest((s, signal) => post('/api/sweep', sweepRequest({ ...s, ttft: s.ttft * 4 }), signal));

/** set changes the state. Limits re-rank what is there at once; the rest is asked anew. */
function set(changes, { live = false, quiet = false } = {}) {
  Object.assign(state, changes);
  if (!live) writeURL();
  if (quiet) return;
  rerank();
  if (!live) refresh();
}

/** rerank ranks what is there by the limits of now. Rows beyond the TTFT that was asked for come from around. */
function rerank() {
  const l = limitsOf(state);
  const exact = app.askedTTFT === state.ttft || l.latency > 0;
  app.shown = exact || !app.around.length ? app.series : app.around;
  app.ranked = rankAll(app.shown, l);
  app.best = chosen(app.shown, l);
  answer();
  panels[state.tab].update(app);
}

function refresh() { refreshSoon(); }

const refreshSoon = later(60, async () => {
  app.busy = true;
  document.body.classList.add('busy');
  const asked = { ...state };
  try {
    const reply = await askSweep(asked);
    app.error = '';
    app.series = paint(unpack(reply));
    app.reply = reply;
    app.askedTTFT = asked.ttft;
    rerank();
    app.around = paint(unpack(await askAround(asked)));
    panels[state.tab].update(app);
  } catch (e) {
    if (e.name === 'AbortError') return;
    app.error = e.message;
    app.series = [];
    app.around = [];
    rerank();
  } finally {
    app.busy = false;
    document.body.classList.remove('busy');
    document.body.dataset.ready = String(Number(document.body.dataset.ready ?? 0) + 1);
  }
});

/** selected is the row that was clicked, else the best one. */
function selected() {
  if (state.sel) {
    for (const s of app.series) for (const r of s.rows) if (r.id === state.sel) return r;
  }
  return app.best;
}

function select(row) {
  // A row of the surroundings is the same configuration in the exact answer, where it is there.
  const own = app.series.find((s) => s.key === row.series.key)?.rows.find((r) => r.deployment === row.deployment && r.tpot_ms === row.tpot_ms && r.ttft_ms === row.ttft_ms);
  state.sel = state.sel === own?.id ? '' : own?.id ?? '';
  writeURL();
  panels[state.tab].update(app);
}

/** answer is the strip below the question. */
function answer() {
  const box = $('answer');
  if (app.error) {
    fill(box, h('p', { class: 'error' }, app.error));
    return;
  }
  if (!app.reply) return;
  const l = limitsOf(state);
  const b = app.best;
  if (!b) {
    const why = app.series.map((s) => [nameOf(s), s.closest || s.failed]).filter(([, t]) => t);
    fill(box, h('p', { class: 'verdict' }, h('strong', {}, 'Nothing meets the limits.')),
      h('ul', { class: 'reasons' }, why.slice(0, 4).map(([n, t]) => h('li', {}, h('b', {}, n), ': ', t))));
    return;
  }
  const bestOf = (mode) => Math.max(0, ...app.shown.filter((s) => s.mode === mode).map((s) => pick(s, l)[0]?.tokens_per_s_per_gpu_cluster ?? 0));
  const [agg, disagg] = [bestOf('agg'), bestOf('disagg')];
  const figure = (id, name, value, unit) => h('div', { class: 'figure' }, h('span', {}, name), h('b', { id }, value), h('small', {}, unit));
  fill(box,
    h('p', { class: 'verdict' }, h('strong', {}, b.series.mode === 'agg' ? 'Aggregated' : 'Disaggregated'), ' on ', h('strong', {}, `${b.series.system} with ${b.series.backend} ${b.series.version}`),
      ': ', h('span', { class: 'deployment', id: 'best-deployment' }, b.deployment),
      agg && disagg ? h('span', { class: 'ratio' }, `disagg vs agg: ${num(disagg / agg)}x`) : null),
    h('div', { class: 'figures' },
      figure('best-gpu', 'per GPU', num(b.tokens_per_s_per_gpu_cluster), 'tokens/s'),
      figure('best-total', 'in all', num(b.tokens_per_s_per_gpu_cluster * b.total_gpus, 0), 'tokens/s'),
      figure('best-user', 'per user', num(b.tokens_per_s_per_user), 'tokens/s'),
      figure('best-ttft', 'TTFT', num(b.ttft_ms), 'ms'),
      figure('best-tpot', 'TPOT', num(b.tpot_ms), 'ms')));
}

function show(tab) {
  if (!(tab in panels)) tab = 'explore';
  const changed = state.tab !== tab;
  state.tab = tab;
  writeURL(changed);
  drawTab();
}

function drawTab() {
  const tab = state.tab in panels ? state.tab : 'explore';
  state.tab = tab;
  for (const a of $('tabs').children) {
    if (a.dataset.tab === tab) {
      a.setAttribute('aria-current', 'page');
      a.parentElement.scrollLeft = a.offsetLeft - (a.parentElement.clientWidth - a.offsetWidth) / 2; // on a narrow screen
    } else a.removeAttribute('aria-current');
  }
  document.title = `${titles[tab]} – servegrid`;
  document.body.dataset.tab = tab;
  const p = panels[tab];
  fill($('panel'), boxes[tab] ??= p.make(app));
  if (app.reply || app.error) p.update(app); // else the first answer does it
}
const boxes = {};

function theme() {
  const apply = (t) => { document.documentElement.dataset.theme = t; };
  let kept = null;
  try { kept = localStorage.getItem('theme'); } catch { /* the browser keeps nothing */ }
  if (kept) apply(kept);
  $('theme').addEventListener('click', () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    apply(dark ? 'light' : 'dark');
    try { localStorage.setItem('theme', dark ? 'light' : 'dark'); } catch { /* as above */ }
  });
}

async function start() {
  theme();
  readURL();
  fill($('tabs'), Object.entries(titles).map(([id, name]) => h('a', {
    href: `?tab=${id}`, 'data-tab': id, onclick: (e) => { e.preventDefault(); show(id); },
  }, name)));
  try {
    app.options = await get('/api/options');
  } catch (e) {
    fill($('answer'), h('p', { class: 'error' }, e.message));
    return;
  }
  if (!state.systems) state.systems = defaults.systems;
  fill($('foot'), `servegrid ${app.options.version}. `, h('a', { href: '/openapi.json' }, 'The API behind this page'),
    '. Predictions are steady-state means; real servers typically reach 85 to 90 %.');
  const form = questionForm($('question'), app);
  addEventListener('popstate', () => { readURL(); form.read(); drawTab(); refresh(); });
  app.form = form;
  drawTab();
  refresh();
}

start();
