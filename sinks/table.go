package sinks

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TableFormats lists the formats of [WriteTable].
func TableFormats() []string { return []string{"table", "csv", "json"} }

// WriteTable writes rows of results. Each row has one value per column: nil, a
// string, a number, a bool, or anything that encoding/json takes.
//
// "table" is for people: numbers to four digits and aligned on the decimal point,
// nil as "-". "csv" and "json" keep every digit, in the shortest form that reads
// back the same; nil is an empty field or null. A float that is not a number
// counts as nil in all three. json is one array of objects whose keys keep the
// order of the columns.
func WriteTable(w io.Writer, format string, columns []string, rows [][]any) error {
	for i, r := range rows {
		if len(r) != len(columns) {
			return fmt.Errorf("write table: row %d has %d values for %d columns", i, len(r), len(columns))
		}
	}
	b := bufio.NewWriter(w)
	var err error
	switch format {
	case "table":
		writeText(b, columns, rows)
	case "csv":
		err = writeCSV(b, columns, rows)
	case "json":
		err = writeJSON(b, columns, rows)
	default:
		return fmt.Errorf("unknown output format %q: one of %s", format, strings.Join(TableFormats(), ", "))
	}
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return nil
}

// value unifies the number types and turns what is no number into nil.
func value(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case float32:
		return value(float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	}
	return v
}

func isNumber(v any) bool {
	switch v.(type) {
	case int64, uint64, float64:
		return true
	}
	return false
}

// exact is the full-precision text of a value that is not nil.
func exact(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) { // as encoding/json does
			return strconv.FormatFloat(v, 'e', -1, 64), nil
		}
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case int64, uint64, bool:
		return fmt.Sprint(v), nil
	}
	b, err := marshal(v)
	return string(b), err
}

func writeCSV(w io.Writer, columns []string, rows [][]any) error {
	c := csv.NewWriter(w)
	if err := c.Write(columns); err != nil {
		return err
	}
	rec := make([]string, len(columns))
	for _, r := range rows {
		for i := range r {
			rec[i] = ""
			if v := value(r[i]); v != nil {
				s, err := exact(v)
				if err != nil {
					return err
				}
				rec[i] = s
			}
		}
		if len(rec) == 1 && rec[0] == "" { // a bare empty line would vanish on reading
			c.Flush()
			if _, err := io.WriteString(w, "\"\"\n"); err != nil {
				return err
			}
			continue
		}
		if err := c.Write(rec); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(clean(v)); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// clean makes nested values fit for JSON, which has no NaN.
func clean(v any) any {
	switch v := v.(type) {
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clean(v[i])
		}
		return c
	case map[string]any:
		c := make(map[string]any, len(v))
		for k := range v {
			c[k] = clean(v[k])
		}
		return c
	}
	return value(v)
}

func writeJSON(w *bufio.Writer, columns []string, rows [][]any) error {
	keys := make([][]byte, len(columns))
	for i, c := range columns {
		k, err := marshal(c)
		if err != nil {
			return err
		}
		keys[i] = k
	}
	w.WriteString("[")
	for i, r := range rows {
		if i > 0 {
			w.WriteString(",")
		}
		w.WriteString("\n  {")
		for j := range r {
			if j > 0 {
				w.WriteString(", ")
			}
			v, err := marshal(r[j])
			if err != nil {
				return err
			}
			w.Write(keys[j])
			w.WriteString(": ")
			w.Write(v)
		}
		w.WriteString("}")
	}
	if len(rows) > 0 {
		w.WriteString("\n")
	}
	_, err := w.WriteString("]\n")
	return err
}

// writeText writes the table for people.
func writeText(w *bufio.Writer, columns []string, rows [][]any) {
	cells := make([][]string, len(rows))
	for i := range rows {
		cells[i] = make([]string, len(columns))
	}
	line := func(cell func(i int) string) {
		var b strings.Builder
		for i := range columns {
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(cell(i))
		}
		w.WriteString(strings.TrimRight(b.String(), " "))
		w.WriteString("\n")
	}
	head, rule := make([]string, len(columns)), make([]string, len(columns))
	for j, name := range columns {
		head[j] = oneLine(name)
		width := textColumn(cells, rows, j)
		right := numeric(rows, j)
		for i := range cells {
			cells[i][j] = pad(cells[i][j], max(width, utf8.RuneCountInString(head[j])), right)
		}
		width = max(width, utf8.RuneCountInString(head[j]))
		head[j] = pad(head[j], width, right)
		rule[j] = strings.Repeat("-", width)
	}
	line(func(i int) string { return head[i] })
	line(func(i int) string { return rule[i] })
	for _, r := range cells {
		line(func(i int) string { return r[i] })
	}
}

// textColumn fills column j of the cells, numbers padded behind so that their
// decimal points agree, and returns its width.
func textColumn(cells [][]string, rows [][]any, j int) (width int) {
	tail := 0 // widest fraction, point included
	for i := range rows {
		cells[i][j] = text(value(rows[i][j]))
		if isNumber(value(rows[i][j])) {
			tail = max(tail, fraction(cells[i][j]))
		}
	}
	right := numeric(rows, j)
	for i := range cells {
		if right {
			cells[i][j] += strings.Repeat(" ", tail-fraction(cells[i][j]))
		}
		width = max(width, utf8.RuneCountInString(cells[i][j]))
	}
	return width
}

// numeric reports whether the column holds numbers and nothing else.
func numeric(rows [][]any, j int) bool {
	some := false
	for i := range rows {
		switch v := value(rows[i][j]); {
		case v == nil:
		case isNumber(v):
			some = true
		default:
			return false
		}
	}
	return some
}

// fraction returns the length of a number's text from the decimal point on.
func fraction(s string) int {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return len(s) - i
	}
	return 0
}

func pad(s string, width int, right bool) string {
	blank := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		return blank + s
	}
	return s + blank
}

// text is a value as people like to read it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		return short(v)
	}
	s, err := exact(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return oneLine(s)
}

// short keeps four digits, and never drops one before the point.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0"
	case a < 1e-4 || a >= 1e15:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := max(0, 3-int(math.Floor(math.Log10(a))))
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.IndexByte(s, '.') >= 0 && v == math.Trunc(v) {
		s = s[:strings.IndexByte(s, '.')] // 8 rather than 8.000
	}
	return s
}

// oneLine spells out what does not print, so that a cell cannot break the table or
// reach the terminal.
func oneLine(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			q := strconv.Quote(s)
			return q[1 : len(q)-1]
		}
	}
	return s
}
