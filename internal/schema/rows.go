package schema

import "fmt"

// Rows is a block of n result rows, one [Col] per column of the table and in
// its order.
type Rows struct {
	Table *Table
	N     int
	Cols  []Col
}

// Col holds the values of one column; the field that the column's type names is
// set, the others are nil. A slice of length 1 in a block of more rows stands
// for a value that is the same in every row.
type Col struct {
	Int   []int32
	Float []float64
	Bool  []bool

	// Dict and Code spell text: row i reads Dict[Code[i]]. A nil Code means
	// Dict[0] in every row.
	Dict []string
	Code []int32

	// Valid marks rows that are not null. Nil means that none is; only columns
	// declared nullable may set it.
	Valid []bool
}

// NewRows returns an empty block for t.
func NewRows(t *Table) *Rows { return &Rows{Table: t, Cols: make([]Col, len(t.Columns))} }

// Col returns the column of that name for filling or reading. An unknown name
// is a mistake of the caller and panics.
func (r *Rows) Col(name string) *Col {
	i := r.Table.Index(name)
	if i < 0 {
		panic(fmt.Sprintf("schema: table %s has no column %q", r.Table.Name, name))
	}
	return &r.Cols[i]
}

// SetText makes the column one text in every row.
func (c *Col) SetText(s string) { *c = Col{Dict: []string{s}} }

// SetInt makes the column one number in every row. It keeps the memory of Int.
func (c *Col) SetInt(v int) { *c = Col{Int: append(c.Int[:0], int32(v))} }

// IsNull reports whether row i is null.
func (c *Col) IsNull(i int) bool {
	switch len(c.Valid) {
	case 0:
		return false
	case 1:
		return !c.Valid[0]
	}
	return !c.Valid[i]
}

// TextAt, IntAt, FloatAt and BoolAt read row i whether or not the column is
// constant.
func (c *Col) TextAt(i int) string {
	if c.Code == nil {
		return c.Dict[0]
	}
	return c.Dict[at(c.Code, i)]
}

// IntAt reads row i; see [Col.TextAt].
func (c *Col) IntAt(i int) int32 { return at(c.Int, i) }

// FloatAt reads row i; see [Col.TextAt].
func (c *Col) FloatAt(i int) float64 { return at(c.Float, i) }

// BoolAt reads row i; see [Col.TextAt].
func (c *Col) BoolAt(i int) bool { return at(c.Bool, i) }

func at[T any](v []T, i int) T {
	if len(v) == 1 {
		return v[0]
	}
	return v[i]
}

// Check reports the first column whose length or type does not fit the table.
func (r *Rows) Check() error {
	if len(r.Cols) != len(r.Table.Columns) {
		return fmt.Errorf("table %s: %d columns, want %d", r.Table.Name, len(r.Cols), len(r.Table.Columns))
	}
	for i := range r.Cols {
		d, c := &r.Table.Columns[i], &r.Cols[i]
		n := 0
		switch d.Type {
		case String:
			if len(c.Dict) == 0 {
				return fmt.Errorf("table %s: column %s has no dictionary", r.Table.Name, d.Name)
			}
			if n = len(c.Code); c.Code == nil {
				n = 1
			}
		case Int32:
			n = len(c.Int)
		case Float64:
			n = len(c.Float)
		case Bool:
			n = len(c.Bool)
		}
		if n != r.N && n != 1 {
			return fmt.Errorf("table %s: column %s has %d values for %d rows", r.Table.Name, d.Name, n, r.N)
		}
		if v := len(c.Valid); v > 1 && v != r.N || v > 0 && !d.Nullable {
			return fmt.Errorf("table %s: column %s has a wrong null mask", r.Table.Name, d.Name)
		}
	}
	return nil
}
