// What is asked and shown lives in the URL: a view can be shared and survives a
// reload. What is at its default is left out.

export const defaults = {
  tab: 'explore', model: 'Qwen/Qwen3-32B-FP8', gpus: 8, isl: 4000, osl: 1000, prefix: 0, ttft: 2000, tpot: 30, latency: 0,
  systems: 'h200_sxm', backends: 'trtllm,vllm,sglang', versions: '', mode: 'auto', estimator: 'reference', search: 'reference', data: 'SILICON', quant: 'reference',
  sel: '', show: 'all', prices: '', pins: '', set: '', namespace: '', dynamo: '', sql: '', rate: 10, load: 'rate',
  shape: '', xisl: 0, xosl: 0, xgpus: 0,
};

export const state = { ...defaults };

export function readURL(search = location.search) {
  Object.assign(state, parse(search));
}

/** parse reads a query string into a whole state. */
export function parse(search) {
  const out = { ...defaults };
  for (const [k, v] of new URLSearchParams(search)) {
    if (!(k in defaults)) continue;
    if (typeof defaults[k] !== 'number') out[k] = v;
    else if (v.trim() !== '' && Number.isFinite(Number(v))) out[k] = Number(v);
  }
  return out;
}

/** format writes a state, or some keys of it, as a query string. */
export function format(s, keys = Object.keys(defaults)) {
  const q = new URLSearchParams();
  for (const k of keys) {
    // A token is for nobody's history.
    const v = k === 'set' ? s.set.split('\n').filter((line) => !line.includes('hf_token=')).join('\n') : s[k];
    if (v !== defaults[k]) q.set(k, v);
  }
  return q.toString();
}

/** write shows the state in the URL; a new panel is a step to go back to. */
export function writeURL(step = false) {
  const q = format(state);
  const url = q ? `?${q}` : location.pathname;
  if (step) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}

/** questionKeys are those that change the answer. */
export const questionKeys = ['model', 'gpus', 'isl', 'osl', 'prefix', 'ttft', 'tpot', 'latency', 'systems', 'backends', 'versions', 'mode', 'estimator', 'search', 'data', 'quant'];

export const list = (text) => text.split(',').filter(Boolean);

/** workload is what every operation that scores takes of a state. */
export function workload(s) {
  const q = {
    model_path: s.model, total_gpus: s.gpus, isl: s.isl, osl: s.osl, prefix: s.prefix, ttft: s.ttft, tpot: s.tpot,
    serving_mode: s.mode, estimator: s.estimator, search: s.search, database_mode: s.data, quant: s.quant,
  };
  if (s.latency > 0) q.request_latency = s.latency;
  return q;
}

export function sweepRequest(s) {
  return { ...workload(s), systems: list(s.systems), backends: list(s.backends), versions: list(s.versions) };
}

export const limitsOf = (s) => ({ ttft: s.ttft, tpot: s.tpot, latency: s.latency });
