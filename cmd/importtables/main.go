// Importtables makes the embedded tables from the original measurements:
//
//	go run ./cmd/importtables -from DIR [-to perftables/data] [-source TEXT]
//
// DIR has the layout <system>/<backend>/<version>/<kind>_perf.txt of the folder
// systems/data of AIConfigurator 0.6.0, or the same as <kind>.parquet. It prints
// what it read, kept and dropped.
package main

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"

	"servegrid/perftables/importer"
)

func main() {
	from := flag.String("from", "", "folder with the original tables")
	to := flag.String("to", "perftables/data", "folder for the packed tables")
	source := flag.String("source", "AIConfigurator 0.6.0", "where the measurements come from, kept in each table")
	flag.Parse()
	if *from == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "importtables: want -from DIR and no further arguments")
		os.Exit(2)
	}
	results, err := importer.Dir(*from, *to, *source)
	if err != nil {
		fmt.Fprintln(os.Stderr, "importtables:", err)
		os.Exit(1)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rows\tkept\tdropped\tbytes\t  table\t")
	var read, kept, bytes int
	for _, r := range results {
		if r.Skip {
			fmt.Fprintf(w, "-\t-\t-\t-\t  %s (no formula reads it)\t\n", r.File)
			continue
		}
		t := r.Table
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t  %s\t\n", t.Read, t.Kept(), t.Dropped, r.Bytes, r.File)
		read, kept, bytes = read+t.Read, kept+t.Kept(), bytes+r.Bytes
	}
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t  all\t\n", read, kept, read-kept, bytes)
	w.Flush()
}
