// Deploy: the files that run the chosen configuration, and the settings of
// production that change them.

import { h, fill, field, select, later, save, copyButton } from './dom.js';
import { post, postBlob, latest } from './api.js';
import { state, workload } from './state.js';
import { nameOf, swatch } from './row.js';

let app;
const parts = {};
let open = ''; // file that is shown

/** common settings that have a field of their own; the rest is typed as KEY=VALUE. */
const common = [
  ['K8sConfig.k8s_image', 'Image', 'by engine version'],
  ['K8sConfig.k8s_pvc_name', 'Claim that caches models', 'model-cache'],
  ['K8sConfig.k8s_pvc_mount_path', 'Mounted at', '/opt/models'],
  ['K8sConfig.shared_memory', 'Shared memory', '16Gi'],
  ['K8sConfig.k8s_hf_token_secret', 'Secret with HF_TOKEN', 'hf-token-secret'],
  ['K8sConfig.k8s_image_pull_secret', 'Image pull secret', 'none'],
  ['K8sConfig.rdma_resource', 'RDMA resource', 'rdma/ib'],
];

const assignments = () => state.set.split('\n').map((s) => s.trim()).filter(Boolean);
const valueOf = (key) => assignments().find((a) => a.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';

/** artifactsOf is the request for a row's files. */
export function artifactsOf(row) {
  const s = row.series;
  const q = {
    ...workload(state), system: s.system, backend: s.backend, backend_version: s.version, experiment: s.mode, row: row.row,
    generator_set: assignments(),
  };
  if (state.namespace) q.namespace = state.namespace;
  if (state.dynamo) q.dynamo_version = state.dynamo;
  return q;
}

const ask = latest((q, signal) => post('/api/artifacts', q, signal));

function setKey(key, value) {
  const rest = assignments().filter((a) => !a.startsWith(`${key}=`));
  if (value) rest.push(`${key}=${value}`);
  parts.raw.value = rest.join('\n');
  change({ set: rest.join('\n') });
}

function change(c) {
  app.set(c, { quiet: true });
  render();
}

export function make(a) {
  app = a;
  parts.raw = h('textarea', { id: 'overrides', rows: 4, spellcheck: 'false', value: state.set, placeholder: 'Workers.agg.max_num_seqs=2048', oninput: () => change({ set: parts.raw.value }) });
  parts.title = h('div');
  parts.files = h('div', { class: 'files' });
  parts.keys = h('details', {}, h('summary', {}, 'All keys'), h('div', { class: 'scroll short', tabindex: 0, role: 'region', 'aria-label': 'Keys' },
    h('dl', { class: 'keys' }, app.options.overrides.rows.map(([k, d, b, m]) => [h('dt', {}, h('code', {}, k)), h('dd', {}, `${m}. Default: ${d}${b === 'all' ? '' : `; ${b} only`}`)]))));
  return h('div', { class: 'split' },
    h('section', { class: 'box', 'aria-label': 'Production settings' }, h('h2', {}, 'Production settings'), parts.title,
      h('div', { class: 'grid' },
        field('Namespace', h('input', { id: 'namespace', value: state.namespace, placeholder: 'that of kubectl', spellcheck: 'false', oninput: (e) => change({ namespace: e.target.value.trim() }) })),
        field('Dynamo release', select([['', 'by engine version'], ...app.options.dynamo_versions], state.dynamo, (v) => change({ dynamo: v }))),
        field('KV transfer', select([['', 'by serving mode'], 'nvlink', 'ib', 'efa'], valueOf('K8sConfig.transport'), (v) => setKey('K8sConfig.transport', v))),
        common.map(([key, label, hint]) => field(label, h('input', { value: valueOf(key), placeholder: hint, spellcheck: 'false', oninput: (e) => setKey(key, e.target.value.trim()) })))),
      field('Other overrides, KEY=VALUE on a line', parts.raw), parts.keys),
    h('section', { class: 'box', 'aria-label': 'Files' }, h('h2', {}, 'Files'), parts.files));
}

const render = later(120, async () => {
  const row = app.selected();
  if (!row) {
    fill(parts.title, h('p', { class: 'hint' }, 'Nothing meets the limits, so there is nothing to deploy.'));
    fill(parts.files);
    return;
  }
  fill(parts.title, h('p', {}, swatch(row.series), h('strong', {}, nameOf(row.series)), h('br'), h('span', { class: 'deployment' }, row.deployment)));
  const q = artifactsOf(row);
  let reply;
  try {
    reply = await ask(q);
  } catch (e) {
    if (e.name !== 'AbortError') fill(parts.files, h('p', { class: 'error', role: 'alert' }, e.message.split('\n').map((line) => h('div', {}, line))));
    return;
  }
  const short = (f) => f.path.replace(reply.folder, '');
  const file = reply.files.find((f) => short(f) === open) ?? reply.files.find((f) => f.path.endsWith('k8s_deploy.yaml')) ?? reply.files[0];
  open = short(file);
  const apply = `kubectl apply -f ${reply.folder}k8s_deploy.yaml`;
  fill(parts.files,
    h('div', { class: 'filelist', role: 'group', 'aria-label': 'Files' }, reply.files.map((f) => h('button', {
      type: 'button', 'aria-pressed': String(f === file), onclick: () => { open = short(f); render(); },
    }, short(f)))),
    h('p', { class: 'buttons' },
      h('button', { type: 'button', class: 'main', id: 'download-zip', onclick: async () => { const b = await postBlob('/api/artifacts.zip', q); save(`servegrid-${reply.folder.replaceAll('/', '-')}files.zip`, '', b); } }, 'Download all (zip)'),
      h('button', { type: 'button', id: 'download-file', onclick: () => save(file.path.split('/').pop(), 'text/plain', file.content) }, `Download ${file.path.split('/').pop()}`),
      copyButton('Copy file', () => file.content), copyButton('Copy kubectl apply', () => apply), copyButton('Copy command', () => reply.command)),
    h('pre', { class: 'code', id: 'file', tabindex: 0, 'aria-label': file.path }, highlight(file)),
    h('ul', { class: 'reasons' }, reply.notes.map((n) => h('li', {}, n))), h('pre', {}, apply));
  document.body.dataset.files = String(Number(document.body.dataset.files ?? 0) + 1);
});

/** highlight colours keys and comments of YAML, line by line; the text stays as it is. */
function highlight(file) {
  if (!/\.ya?ml$/.test(file.path)) return [file.content];
  return file.content.split('\n').flatMap((line, i, all) => {
    const end = i + 1 < all.length ? '\n' : '';
    const m = /^(\s*(?:- )?)([\w.\-/]+)(:)(\s.*|)$/.exec(line);
    if (/^\s*#/.test(line)) return [h('span', { class: 'y-comment' }, line), end];
    if (m) return [m[1], h('span', { class: 'y-key' }, m[2]), m[3], h('span', { class: 'y-value' }, m[4]), end];
    return [line + end];
  });
}

export function update() { render(); }
