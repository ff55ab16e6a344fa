// Package grid turns a resolved sweep file into its cartesian space and cuts
// that into shards.
//
// A [Shard] is one model, system, backend and version with a slice of the
// workloads: everything that is expensive to look up is constant inside it. Its
// order among the shards is fixed by the sweep file, and its content key,
// [KeyInput.Key], by everything that its rows depend on. So any process can take
// any shard, and a later run knows which ones are already scored.
//
// GPU budgets and SLA limits do not cut shards: they filter and multiply scored
// candidates.
package grid
