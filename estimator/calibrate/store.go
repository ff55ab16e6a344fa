package calibrate

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
)

// constantsJSON holds the constants that come with the program. "make calibrate"
// writes it from the measurements beside it.
//
//go:embed data/constants.json
var constantsJSON []byte

// ShippedSet returns the constants that come with the program.
var ShippedSet = sync.OnceValues(func() (*Set, error) { return ReadSet(bytes.NewReader(constantsJSON)) })

// Revision counts the changes of the simulation. Raise it with every change that alters a
// prediction: what a sweep has stored is then scored again. TestRevision fails where
// one was altered.
const Revision = 1

// Digest names the simulation and its constants: what predicts the same has the same.
func (s *Set) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "revision %d\n", Revision)
	_ = s.Write(h) // a hash takes everything, and constants are plain numbers
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// digits of a stored constant: enough for the same predictions to the third
// decimal, few enough that the same fit gives the same file on any machine.
const digits = 5

// MarshalJSON writes constants by name.
func (c Constants) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, v := range c {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&b, "%q:%s", constantInfo[i].name, strconv.FormatFloat(v, 'g', digits, 64))
	}
	b.WriteString("}")
	return b.Bytes(), nil
}

// UnmarshalJSON reads constants by name; each must be there, and positive.
func (c *Constants) UnmarshalJSON(b []byte) error {
	byName := map[string]float64{}
	if err := json.Unmarshal(b, &byName); err != nil {
		return err
	}
	for i := range c {
		v, ok := byName[constantInfo[i].name]
		if !ok || !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("constant %s is %v, want a positive number", constantInfo[i].name, v)
		}
		c[i] = v
		delete(byName, constantInfo[i].name)
	}
	for name := range byName {
		return fmt.Errorf("unknown constant %q", name)
	}
	return nil
}

// Write writes a set as JSON.
func (s *Set) Write(w io.Writer) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// ReadSet reads what [Set.Write] wrote.
func ReadSet(r io.Reader) (*Set, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var s Set
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("read constants: %w", err)
	}
	if s.All == (Constants{}) {
		return nil, errors.New("read constants: there are none for all engines")
	}
	return &s, nil
}
