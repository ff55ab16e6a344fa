// Package sinks writes results: Parquet files into an atomically updated
// directory, and tables, CSV or JSON for people and scripts.
//
// Files become visible whole or not at all. [Dir.Create] writes beside the final
// name under a name that starts with [TempPrefix], and [File.Commit] syncs and
// renames it. A killed writer leaves only such a temporary file, which
// [Dir.CleanTemp] removes.
//
// [ParquetWriter] turns blocks of [schema.Rows] into Parquet. The bytes depend on
// the rows and the metadata only: not on the time, the machine, or how the rows
// were cut into blocks.
package sinks
