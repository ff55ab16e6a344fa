// The bar that asks: model, hardware, engines, traffic, limits.

import { h, fill, field, select } from './dom.js';
import { state, list } from './state.js';

export function questionForm(form, app) {
  const { options } = app;
  form.addEventListener('submit', (e) => e.preventDefault());

  const model = h('input', { id: 'q-model', list: 'models', value: state.model, spellcheck: 'false', onchange: () => app.set({ model: model.value.trim() }) });
  const models = h('datalist', { id: 'models' }, options.models.flatMap((m) => m.aliases).map((id) => h('option', { value: id })));

  const inputs = {};
  const number = (key, label, { least = 1, step = 1, hint } = {}) => {
    const e = h('input', {
      id: `q-${key}`, type: 'number', inputmode: 'decimal', min: least, step: step === 1 ? 1 : 'any', value: state[key],
      oninput: () => {
        const v = Number(e.value);
        const ok = e.value !== '' && Number.isFinite(v) && v >= least;
        e.setAttribute('aria-invalid', String(!ok));
        e.setCustomValidity(ok ? '' : `want ${least} or more`);
        if (ok) app.set({ [key]: v });
      },
    });
    inputs[key] = e;
    return field(label, e, hint);
  };

  const systems = h('fieldset', { class: 'chips' }, h('legend', {}, 'Systems'));
  const backends = h('fieldset', { class: 'chips' }, h('legend', {}, 'Engines'));
  const chips = (box, key, names, enabled) => {
    const on = new Set(list(state[key]));
    fill(box, box.querySelector('legend'), names.map((n) => h('label', { class: enabled(n) ? 'chip' : 'chip off', title: enabled(n) ? null : 'nothing is measured there' },
      h('input', {
        type: 'checkbox', name: key, value: n, checked: on.has(n),
        onchange: (e) => {
          if (e.target.checked) on.add(n);
          else on.delete(n);
          if (!on.size) { on.add(n); e.target.checked = true; }
          app.set({ [key]: names.filter((x) => on.has(x)).join(',') });
          draw();
        },
      }), n.replace('_sxm', ''))));
  };
  const versions = h('span');

  const draw = () => {
    const chosen = new Set(list(state.systems));
    chips(systems, 'systems', options.systems.map((s) => s.name), () => true);
    chips(backends, 'backends', options.backends, (b) => options.systems.some((s) => chosen.has(s.name) && s.versions[b]));
    const have = new Set(options.systems.filter((s) => chosen.has(s.name)).flatMap((s) => list(state.backends).flatMap((b) => s.versions[b] ?? [])));
    if (state.versions && state.versions !== 'all') list(state.versions).forEach((v) => have.add(v));
    fill(versions, field('Version', select([['', 'newest'], ['all', 'all'], ...[...have].sort()], state.versions, (v) => app.set({ versions: v }), { id: 'q-versions' })));
  };

  const pickOne = (key, label, values) => field(label, select(values, state[key], (v) => app.set({ [key]: v }), { id: `q-${key}` }));
  const more = h('details', { class: 'more' }, h('summary', {}, 'More'), h('div', { class: 'grid' },
    versions,
    pickOne('mode', 'Serving', [['auto', 'agg and disagg'], 'agg', 'disagg']),
    number('prefix', 'Prefix (tokens)', { least: 0 }),
    number('latency', 'Request latency (ms)', { least: 0, step: 'any', hint: '0: TTFT and TPOT apply' }),
    pickOne('estimator', 'Estimator', [['reference', "reference: AIConfigurator's formulas"], ['calibrated', 'calibrated: fitted to real servers']]),
    pickOne('search', 'Search', [['reference', "reference: AIConfigurator's"], ['exhaustive', 'exhaustive: every candidate']]),
    pickOne('data', 'Kernel data', options.database_modes),
    pickOne('quant', 'Formats', [['reference', 'fastest that is measured'], ['checkpoint', 'as the checkpoint stores']])));

  fill(form, h('div', { class: 'bar' },
    h('label', { class: 'field wide' }, h('span', {}, 'Model'), model), models,
    number('gpus', 'GPUs'), number('isl', 'ISL (tokens)'), number('osl', 'OSL (tokens)', { least: 2 }),
    number('ttft', 'TTFT ≤ (ms)', { least: 0.001, step: 'any' }), number('tpot', 'TPOT ≤ (ms)', { least: 0.001, step: 'any' })),
  h('div', { class: 'bar two' }, systems, backends, more));
  draw();

  return {
    /** read shows what the state says. */
    read() {
      model.value = state.model;
      for (const [k, e] of Object.entries(inputs)) if (document.activeElement !== e) e.value = state[k];
      draw();
    },
  };
}
