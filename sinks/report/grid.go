package report

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// column is one column of a printed table: its header and one cell per row.
type column struct {
	header string
	cells  []string
	bold   bool // cells, not the header
}

// grid is a table; all columns have the same number of cells.
type grid []column

// write draws g with +---+ borders, one blank of padding and centred text.
// Escape codes go around the padded cell, so they never move a border.
func (g grid) write(b *bytes.Buffer, color bool) {
	widths := make([]int, len(g))
	var border strings.Builder
	border.WriteString("+")
	for i, c := range g {
		widths[i] = utf8.RuneCountInString(c.header)
		for _, cell := range c.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
		border.WriteString(strings.Repeat("-", widths[i]+2) + "+")
	}
	border.WriteString("\n")

	b.WriteString(border.String())
	for i, c := range g {
		b.WriteString("| " + centre(c.header, widths[i]) + " ")
	}
	b.WriteString("|\n" + border.String())
	for row := range g[0].cells {
		for i, c := range g {
			b.WriteString("| " + bold(centre(c.cells[row], widths[i]), color && c.bold) + " ")
		}
		b.WriteString("|\n")
	}
	b.WriteString(border.String())
}

// centre pads s to width with blanks. An odd blank goes right of text of odd
// length and left of text of even length, as the reference program's table
// library places it. s wider than width is returned as it is.
func centre(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n >= width {
		return s
	}
	left := (width - n) / 2
	if (width-n)%2 == 1 && n%2 == 0 {
		left++
	}
	return strings.Repeat(" ", left) + s + strings.Repeat(" ", width-n-left)
}

// bold wraps the text between its outer blanks in escape codes when on.
func bold(s string, on bool) string {
	text := strings.TrimSpace(s)
	if !on || text == "" {
		return s
	}
	return strings.Replace(s, text, "\x1b[1m"+text+"\x1b[0m", 1)
}
