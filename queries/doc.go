// Package queries answers questions over a warehouse of Parquet files with SQL.
//
// The views and macros are the files views/NN_name.sql, applied in order; they
// also run unchanged in the DuckDB shell or in Python started in the warehouse
// directory. [Open] binds them to a warehouse and locks the connection: SQL
// from strangers can read the warehouse and nothing else, and write nowhere.
//
// This is the only package that knows DuckDB, and nothing of it shows here.
package queries
