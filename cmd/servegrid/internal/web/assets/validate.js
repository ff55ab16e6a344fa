// Validate: a benchmark's result beside its prediction.

import { h, fill, num, field, copyButton, table } from './dom.js';
import { post } from './api.js';
import { nameOf, swatch } from './row.js';
import { artifactsOf } from './deploy.js';

let app;
const parts = {};

export function make(a) {
  app = a;
  parts.about = h('div');
  parts.job = h('div');
  parts.out = h('div', { role: 'status' });
  parts.prediction = h('textarea', { id: 'prediction', rows: 3, spellcheck: 'false', placeholder: 'empty: the chosen configuration is what was deployed' });
  parts.text = h('textarea', { id: 'results', rows: 8, spellcheck: 'false', placeholder: 'profile_export_aiperf.json, or the log of the benchmark’s pod' });
  const read = async (files) => {
    for (const f of files) {
      const text = await f.text();
      if (f.name === 'prediction.json') parts.prediction.value = text;
      else parts.text.value = text;
    }
    if (parts.text.value) compare();
  };
  const drop = h('div', {
    class: 'drop', ondragover: (e) => { e.preventDefault(); drop.classList.add('over'); }, ondragleave: () => drop.classList.remove('over'),
    ondrop: (e) => { e.preventDefault(); drop.classList.remove('over'); read(e.dataTransfer.files); },
  }, h('label', { class: 'field' }, h('span', {}, 'Drop files here, or choose them'), h('input', { type: 'file', id: 'result-file', multiple: true, accept: '.json,.log,.txt', onchange: (e) => read(e.target.files) })));
  return h('div', { class: 'split' },
    h('section', { class: 'box', 'aria-label': 'Result' }, h('h2', {}, 'What was measured'), parts.about, drop, field('or paste AIPerf’s result', parts.text), field('prediction.json of what was deployed', parts.prediction),
      h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'main', id: 'compare-result', onclick: compare }, 'Compare')), parts.job),
    h('section', { class: 'box', 'aria-label': 'Comparison' }, h('h2', {}, 'Prediction against measurement'), parts.out));
}

let files = null;

async function compare() {
  try {
    let prediction = parts.prediction.value.trim();
    if (!prediction) prediction = files?.find((f) => f.path.endsWith('/prediction.json'))?.content;
    if (!prediction) throw new Error('there is no chosen configuration: paste its prediction.json');
    let parsed;
    try { parsed = JSON.parse(prediction); } catch (e) { throw new Error(`prediction.json: ${e.message}`); }
    const r = await post('/api/eval', { prediction: parsed, results: parts.text.value });
    const percent = (d) => (d === null ? '–' : `${d > 0 ? '+' : ''}${num(d * 100, 1)} %`);
    fill(parts.out, h('p', {}, h('b', {}, 'Predicted: '), r.predicted), h('p', {}, h('b', {}, 'Measured: '), r.measured),
      table(['metric', 'predicted', 'actual (avg)', 'p99', 'delta', 'status'], r.rows.map((m) => [m.metric, num(m.predicted), num(m.actual), num(m.p99), percent(m.delta), h('span', { class: 'status' }, m.status)]), { label: 'Comparison' }),
      h('ul', { class: 'reasons' }, r.remarks.map((t) => h('li', {}, t))),
      r.correction && h('p', {}, `Latency correction scales that fit: prefill ${num(r.correction.prefill, 4)}, decode ${num(r.correction.decode, 4)}.`),
      r.others.length ? [h('h3', {}, 'Other results'), table(['concurrency', ...r.others[0].metrics.map((m) => m.metric)], r.others.map((o) => [o.concurrency, ...o.metrics.map((m) => num(m.actual))]), { label: 'Other results' })] : null);
  } catch (e) {
    fill(parts.out, h('p', { class: 'error', role: 'alert' }, e.message));
  }
}

export async function update() {
  const row = app.selected();
  if (!row) return;
  fill(parts.about, h('p', {}, 'Deployed: ', swatch(row.series), h('strong', {}, nameOf(row.series)), ' ', h('span', { class: 'deployment' }, row.deployment)));
  if (!parts.out.hasChildNodes()) fill(parts.out, h('p', { class: 'hint' }, 'Run the benchmark inside the cluster, then bring its result here.'));
  try {
    files = (await post('/api/artifacts', artifactsOf(row))).files;
    const job = files.find((f) => f.path.endsWith('k8s_bench.yaml'));
    if (job) fill(parts.job, h('details', {}, h('summary', {}, 'The benchmark’s Job'), h('p', {}, copyButton('Copy', () => job.content)), h('pre', { class: 'code', tabindex: 0, 'aria-label': 'Job' }, job.content)));
  } catch (e) {
    fill(parts.job, h('p', { class: 'error' }, e.message));
  }
}
