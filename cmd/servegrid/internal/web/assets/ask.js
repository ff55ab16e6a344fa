// Ask: SQL over the warehouse, read-only, as a table, a chart or a file.

import { h, fill, field, select, short, save, csv, copyButton, table } from './dom.js';
import { post, postBlob, get } from './api.js';
import { state } from './state.js';
import { Scatter } from './scatter.js';

let app;
const parts = {};
let result = null;

const examples = () => [
  ['What was swept', 'select model, count(distinct system) as systems, count(*) as combinations\nfrom coverage\ngroup by model\norder by model'],
  ['Best on every system', `from best_config(model := '${text(state.model)}', isl := ${state.isl}, osl := ${state.osl}, gpus := ${state.gpus},\n  ttft := ${state.ttft}, tpot := ${state.tpot}, top_n := 20)\nselect rank, system, backend, version, mode, parallel, bs, tokens_per_s_per_gpu_cluster, ttft_ms, tpot_ms`],
  ['Frontier of one system', `select mode, backend, tokens_per_s_per_user, tokens_per_s_per_gpu_cluster, parallel, bs\nfrom frontier\nwhere model = '${text(state.model)}' and system = 'h200_sxm' and isl = ${state.isl} and osl = ${state.osl} and prefix = 0 and gpus = ${state.gpus}\norder by tokens_per_s_per_user`],
  ['Where disaggregation pays', 'select model, system, backend, isl, osl,\n  max(tokens_per_s_per_gpu_cluster) filter (mode = \'disagg\') / max(tokens_per_s_per_gpu_cluster) filter (mode = \'agg\') as ratio\nfrom frontier\nwhere tpot_ms <= 20\ngroup by all\nhaving ratio is not null\norder by ratio desc\nlimit 50'],
  ['Not covered, and why', 'from coverage_summary'],
  ['Runs', 'from runs'],
];
const text = (s) => s.replaceAll("'", "''");

export function make(a) {
  app = a;
  parts.sql = h('textarea', {
    id: 'sql', rows: 7, spellcheck: 'false', value: state.sql || examples()[0][1],
    oninput: () => app.set({ sql: parts.sql.value }, { quiet: true }),
    onkeydown: (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); run(); } },
  });
  parts.out = h('div', { role: 'status', class: 'tall' });
  parts.chart = h('div');
  parts.note = h('div');
  const pickExample = select([['', 'Examples'], ...examples().map(([n], i) => [String(i), n])], '', (v) => {
    if (v === '') return;
    parts.sql.value = examples()[Number(v)][1];
    app.set({ sql: parts.sql.value }, { quiet: true });
    run();
  }, { id: 'examples', 'aria-label': 'Examples' });
  return h('div', {},
    h('section', { class: 'box', 'aria-label': 'Question in SQL' }, h('h2', {}, 'Ask the warehouse'), parts.note, field('SQL, one query that reads', parts.sql),
      h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'main', id: 'run-sql', onclick: run }, 'Run (Ctrl+Enter)'), pickExample,
        copyButton('Copy notebook snippet', snippet), h('button', { type: 'button', class: 'quiet', onclick: () => { if (result) save('result.csv', 'text/csv', csv(result.columns, result.rows)); } }, 'CSV'),
        h('button', { type: 'button', class: 'quiet', onclick: async () => { try { save('result.parquet', '', await postBlob('/api/query.parquet', { sql: parts.sql.value })); } catch (e) { fill(parts.out, h('p', { class: 'error' }, e.message)); } } }, 'Parquet')),
      h('details', {}, h('summary', {}, 'The same in a notebook'), parts.snippet = h('pre', { class: 'code', tabindex: 0, 'aria-label': 'Notebook snippet' }))),
    h('section', { class: 'box', 'aria-label': 'Result' }, h('h2', {}, 'Result'), parts.chart, parts.out));
}

/** snippet asks the same in Python. */
function snippet() {
  const sql = parts.sql.value.trim().replaceAll('"""', "'''");
  return `# In the warehouse's folder (${app.options.warehouse.path}), with the view files of servegrid (queries/views):\nimport duckdb, glob\ndb = duckdb.connect()\nfor view in sorted(glob.glob("queries/views/*.sql")):\n    db.sql(open(view).read())\ndb.sql("""\n${sql}\n""").df()\n`;
}

async function run() {
  fill(parts.out, h('p', { class: 'hint' }, 'Asking…'));
  fill(parts.chart);
  try {
    result = await post('/api/query', { sql: parts.sql.value });
  } catch (e) {
    result = null;
    fill(parts.out, h('p', { class: 'error', role: 'alert' }, e.message.split('\n').map((l) => h('div', {}, l))));
    return;
  }
  const shown = result.rows.slice(0, 500).map((r) => r.map((v) => (typeof v === 'number' ? (Number.isInteger(v) ? String(v) : short(v)) : v === null ? '–' : typeof v === 'object' ? JSON.stringify(v) : String(v))));
  fill(parts.out, h('p', { class: 'hint' }, `${result.rows.length}${result.truncated ? ' rows shown of more' : ' rows'} in ${short(result.ms)} ms${shown.length < result.rows.length ? `; the first ${shown.length} are listed` : ''}`), table(result.columns, shown, { label: 'Rows' }));
  drawChart();
}

function drawChart() {
  const numeric = result.columns.filter((_, i) => result.rows.some((r) => typeof r[i] === 'number'));
  if (numeric.length < 2 || result.rows.length < 2) return;
  const guess = (name, other) => (numeric.includes(name) ? name : other);
  const pickX = guess('tokens_per_s_per_user', numeric[0]);
  const pickY = guess('tokens_per_s_per_gpu_cluster', numeric.at(-1));
  const groups = ['', ...result.columns.filter((c) => !numeric.includes(c))];
  const box = h('div', { id: 'chart-sql' });
  const s = { x: pickX, y: pickY, by: groups.find((g) => ['system', 'backend', 'mode'].includes(g)) ?? '' };
  const draw = () => new Scatter(box, result, s);
  fill(parts.chart, h('div', { class: 'grid' },
    field('x', select(numeric, s.x, (v) => { s.x = v; draw(); })), field('y', select(numeric, s.y, (v) => { s.y = v; draw(); })), field('colour', select(groups.map((g) => [g, g || 'none']), s.by, (v) => { s.by = v; draw(); }))), box);
  draw();
}

export async function update() {
  parts.snippet.textContent = snippet();
  if (!app.options.warehouse.ready) {
    try { app.options = await get('/api/options'); } catch { /* the page says so elsewhere */ }
  }
  const w = app.options.warehouse;
  fill(parts.note, w.ready ? h('p', { class: 'hint' }, `Views: points, frontier, best_config(…), coverage, coverage_summary, runs. Warehouse: ${w.path}.`) : h('p', { class: 'hint' }, w.why));
}
