// Two runs of the warehouse: what changed on the frontiers of the model in question.

import { h, fill, field, num, select, table } from './dom.js';
import { post } from './api.js';
import { state } from './state.js';

const most = 200; // rows that are shown
const text = (s) => `'${s.replaceAll("'", "''")}'`;

let app;
const parts = {};
const chosen = { a: '', b: '' };

export function makeRuns(a) {
  app = a;
  parts.choice = h('div');
  parts.out = h('div', { role: 'status' });
  return h('section', { class: 'box', 'aria-label': 'Runs' }, h('h2', {}, 'Two runs'), parts.choice, parts.out);
}

/** updateRuns lists the runs, newest first. */
export async function updateRuns() {
  fill(parts.out);
  if (!app.options.warehouse.ready) {
    fill(parts.choice, h('p', { class: 'hint' }, app.options.warehouse.why));
    return;
  }
  let runs;
  try {
    runs = (await post('/api/query', { sql: 'select run from runs order by finished_at desc, run' })).rows.map((r) => r[0]);
  } catch (e) {
    fill(parts.choice, h('p', { class: 'error', role: 'alert' }, e.message));
    return;
  }
  if (runs.length < 2) {
    fill(parts.choice, h('p', { class: 'hint' }, 'The warehouse has one run; a second one can be compared with it.'));
    return;
  }
  if (!runs.includes(chosen.a)) chosen.a = runs[1];
  if (!runs.includes(chosen.b)) chosen.b = runs[0];
  fill(parts.choice, h('div', { class: 'grid' },
    field('before', select(runs, chosen.a, (v) => { chosen.a = v; }, { id: 'run-a' })), field('after', select(runs, chosen.b, (v) => { chosen.b = v; }, { id: 'run-b' }))),
  h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'main', id: 'compare-runs', onclick: compare }, 'What changed')));
}

async function compare() {
  fill(parts.out, h('p', { class: 'hint' }, 'Asking…'));
  const sql = `select change, mode, system, backend, version, isl, osl, gpus, parallel, bs,
  tokens_per_s_per_gpu_cluster_a, tokens_per_s_per_gpu_cluster_b, ratio
from frontier_changes(${text(chosen.a)}, ${text(chosen.b)})
where model = ${text(state.model)}
order by abs(coalesce(ratio, 0) - 1) desc, system, backend, version, mode, isl, osl, gpus, parallel, bs
limit ${most}`;
  try {
    const { rows } = await post('/api/query', { sql });
    if (!rows.length) {
      fill(parts.out, h('p', { class: 'hint' }, `Nothing changed on the frontiers of ${state.model}.`));
      return;
    }
    const cells = rows.map(([change, mode, system, backend, version, isl, osl, gpus, parallel, bs, before, after, ratio]) => [
      change, `${system} ${backend} ${version} ${mode}`, `${isl}/${osl} on ${gpus}`, h('span', { class: 'deployment' }, `${parallel} bs ${bs}`), num(before), num(after), ratio === null ? '–' : `${num(100 * (ratio - 1), 1)} %`]);
    fill(parts.out, table(['change', 'on', 'question', 'deployment', 'before', 'after', 'by'], cells, { label: 'Changes' }),
      rows.length === most ? h('p', { class: 'hint' }, `The ${most} largest changes; frontier_changes in Ask shows all.`) : null);
  } catch (e) {
    fill(parts.out, h('p', { class: 'error', role: 'alert' }, e.message));
  }
}
