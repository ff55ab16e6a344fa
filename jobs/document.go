package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"servegrid/internal/lazyregexp"
)

// document is a kind of file, as messages word it.
type document struct {
	name  string // with its article
	needs string // what belongs into it
}

// root returns the top-level mapping, or nil after reporting why there is none.
func (p *parser) root(src []byte, kind document) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, next yaml.Node
	switch err := decode(dec, &doc); {
	case errors.Is(err, io.EOF):
		p.add(1, "the file is empty: %s needs %s", kind.name, kind.needs)
		return nil
	case err != nil:
		p.syntax(src, err)
		return nil
	}
	switch err := decode(dec, &next); {
	case errors.Is(err, io.EOF):
	case err != nil:
		p.syntax(src, err)
	default:
		p.add(next.Line, "a second YAML document begins here: %s is one document", kind.name)
	}
	root := deref(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		p.add(root.Line, "%s is a mapping, not %s; it needs %s", kind.name, kindOf(root), kind.needs)
		return nil
	}
	return root
}

// decode reads one document. The YAML library has panics of its own ("internal
// error: … please report"). Fuzzing reached none of them, but a file must never
// bring the program down, so they would become an error here.
func decode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return dec.Decode(n)
}

var yamlError = lazyregexp.New(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// syntax reports an error of the YAML library. Its line is only in the text,
// may be one or two early, and is left out on the first line and for errors
// without a position.
func (p *parser) syntax(src []byte, err error) {
	line, text := 0, err.Error()
	if m := yamlError.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	if line == 0 {
		line = 1 + bytes.Count(src[:culprit(src, text)], []byte("\n"))
	}
	p.add(line, "not valid YAML here or just below: %s", text)
}

// culprit finds where in src an error without a position is: at characters that
// YAML does not allow, or at the alias that the text names; else at the start.
func culprit(src []byte, text string) int {
	if i := bytes.IndexFunc(src, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
	}); i >= 0 {
		return i
	}
	if _, after, ok := strings.Cut(text, "unknown anchor '"); ok {
		name, _, _ := strings.Cut(after, "'")
		return max(0, bytes.Index(src, []byte("*"+name)))
	}
	return 0
}
