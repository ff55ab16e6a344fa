// Ranking of rows that are already there, by the rules of the command line: one
// row of each layout within the limits, most tokens/s/gpu first, of equal ones the
// faster for its user. Nothing here scores.

/** unpack turns a reply of /api/sweep into series of row objects. */
export function unpack(reply) {
  return reply.series.map((s, index) => {
    const series = { ...s, index, key: [s.system, s.backend, s.version, s.mode].join('/') };
    series.rows = s.rows.map((cells) => {
      const row = { series };
      reply.columns.forEach((c, i) => { row[c] = cells[i]; });
      row.id = `${series.key}/${row.row}`;
      return row;
    });
    return series;
  });
}

export function within(row, l) {
  if (l.latency > 0) return row.request_latency_ms <= l.latency;
  return row.ttft_ms <= l.ttft && row.tpot_ms <= l.tpot;
}

const better = (l) => (a, b) => b.tokens_per_s_per_gpu_cluster - a.tokens_per_s_per_gpu_cluster
  || (l.latency > 0 ? a.request_latency_ms - b.request_latency_ms : b.tokens_per_s_per_user - a.tokens_per_s_per_user);

/** pick returns the best row of each layout of one series, best first. */
export function pick(series, l) {
  const best = new Map();
  for (const r of series.rows) {
    if (!within(r, l)) continue;
    const have = best.get(r.group);
    if (!have || r.tokens_per_s_per_gpu_cluster > have.tokens_per_s_per_gpu_cluster) best.set(r.group, r);
  }
  return [...best.keys()].sort().map((g) => best.get(g)).sort(better(l));
}

/** rankAll ranks the picked rows of all series together. */
export function rankAll(all, l) {
  return all.flatMap((s) => pick(s, l)).sort(better(l));
}

/** chosen is the best row of all; of equal ones that of the earlier series. */
export function chosen(all, l) {
  let best;
  for (const s of all) {
    const first = pick(s, l)[0];
    if (first && (!best || first.tokens_per_s_per_gpu_cluster > best.tokens_per_s_per_gpu_cluster)) best = first;
  }
  return best;
}

/** frontier returns the rows that no other beats in x and in tokens/s/gpu, x rising.
    sign is 1 where a large x is good, -1 where a small one is. */
export function frontier(rows, x, sign) {
  const order = [...rows].sort((a, b) => sign * (x(b) - x(a)) || b.tokens_per_s_per_gpu_cluster - a.tokens_per_s_per_gpu_cluster);
  const front = [];
  for (const r of order) {
    if (!front.length || r.tokens_per_s_per_gpu_cluster > front.at(-1).tokens_per_s_per_gpu_cluster) front.push(r);
  }
  return sign > 0 ? front.reverse() : front;
}

/** cost is dollars per million output tokens at a price per GPU and hour. */
export const cost = (row, price) => (price > 0 ? (price / (row.tokens_per_s_per_gpu_cluster * 3600)) * 1e6 : null);
