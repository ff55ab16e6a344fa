// Package pipeline runs a sweep: it takes shards off the grid, has the
// estimator score them in worker goroutines, and writes what comes out into a
// warehouse directory:
//
//	shards/<table>/<key>.parquet   rows of one shard, immutable, named by its content key
//	shards/receipts/<key>.json     written last: the shard is whole, and these are its files
//	runs/<run>/manifest.json       what was asked, counted and measured
//	runs/<run>/files.json          the files of the run with their hashes
//	runs/<run>/tables/…            the rows of the run: links to the shards, laid out for readers
//	tables                         → runs/<latest finished run>/tables
//
// A shard that has a receipt is never scored again, whichever run made it: that
// gives resuming and incremental runs. A run's folder appears in one step when
// all of its shards are done, so that no reader sees an unfinished run. The
// bytes of a shard depend on its key only, not on the number of workers.
package pipeline
