package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"servegrid/internal/schema"
	"servegrid/perftables"
	"servegrid/sinks"
)

// Files of the warehouse itself, which outlive its runs.
const (
	validationStart = "validation/empty.parquet" // so that the documented glob always finds a file
	pricesFile      = "prices.csv"
)

// samplePrice is plainly no market price: the same for every system.
const (
	samplePrice = "10.00"
	sampleNote  = "INVENTED SAMPLE: put your own price here"
)

// lasting makes what is missing of the files that belong to people: measurements
// and prices. What is there is never touched.
func lasting(dir sinks.Store) error {
	for name, fill := range map[string]func() ([]byte, error){validationStart: emptyValidation, pricesFile: samplePrices} {
		if _, err := dir.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		b, err := fill()
		if err != nil {
			return err
		}
		if err := sinks.PutNew(dir, name, b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func emptyValidation() ([]byte, error) {
	var b bytes.Buffer
	w := sinks.NewParquetWriter()
	if err := w.Reset(&b, schema.Validation, nil); err != nil {
		return nil, err
	}
	_, err := w.Close()
	return b.Bytes(), err
}

func samplePrices() ([]byte, error) {
	b := []byte("system,usd_per_gpu_hour,note\n")
	for _, s := range perftables.SystemNames() {
		b = fmt.Appendf(b, "%s,%s,%s\n", s, samplePrice, sampleNote)
	}
	return b, nil
}
