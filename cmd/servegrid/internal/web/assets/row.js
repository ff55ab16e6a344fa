// How a configuration is shown, in the same words everywhere.

import { h, num, short } from './dom.js';

export const nameOf = (s) => `${s.system} ${s.backend}${s.version ? ` ${s.version}` : ''} ${s.mode}`;

/** figures are the lines of a row's card. */
export function figures(r) {
  return [
    ['tokens/s/GPU', num(r.tokens_per_s_per_gpu_cluster)],
    ['tokens/s/user', num(r.tokens_per_s_per_user)],
    ['TTFT', `${num(r.ttft_ms)} ms`],
    ['TPOT', `${num(r.tpot_ms)} ms`],
    ['request latency', `${num(r.request_latency_ms)} ms`],
    ['requests/s', num(r.seq_per_s)],
    ['concurrency', `${r.concurrency} (=${r.concurrency / r.replicas}x${r.replicas})`],
    ['GPUs', `${r.total_gpus} (${r.used_gpus}=${r.replicas}x${r.replica_gpus})`],
    ['memory', `${short(r.memory_gib)} GiB a GPU`],
  ];
}

/** describe is the card of a row. */
export function describe(r) {
  return [h('strong', { class: `tag c${r.series.color}` }, nameOf(r.series)), h('div', { class: 'deployment' }, r.deployment),
    h('dl', {}, figures(r).map(([k, v]) => [h('dt', {}, k), h('dd', {}, v)]))];
}

/** swatch is the mark of a series. */
export const swatch = (s) => h('span', { class: `swatch c${s.color} ${s.mode}`, 'aria-hidden': 'true' });

const colors = 12;

/** legend names the engines that are drawn, and how the ways of serving are told apart. */
export function legend(all) {
  const seen = new Map();
  for (const s of all) {
    const name = `${s.label ? `${s.label}: ` : ''}${s.system} ${s.backend} ${s.version}`;
    if (!seen.has(name)) seen.set(name, []);
    seen.get(name).push(s);
  }
  return [...seen].map(([name, list]) => h('span', { class: 'key' }, list.map(swatch), name))
    .concat(h('span', { class: 'key' }, '● agg, ◆ disagg (dashed)'));
}

/** paint gives series their colours: one for each system and engine, the way of serving is told by shape. */
export function paint(all) {
  const names = [...new Set(all.map((s) => `${s.label ?? ''}${s.system}/${s.backend}/${s.version}`))];
  for (const s of all) s.color = names.indexOf(`${s.label ?? ''}${s.system}/${s.backend}/${s.version}`) % colors;
  return all;
}
