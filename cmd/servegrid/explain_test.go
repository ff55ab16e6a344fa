package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// Every servegrid command that a topic tells to type is one that the program has,
// with its flags, and every topic that it points to is there.
func TestTopicsNameRealCommands(t *testing.T) {
	seen := 0
	for _, topic := range topics() {
		title, rest, _ := strings.Cut(topicText(topic), "\n")
		if title == "" || len(title) > 72 || !strings.HasPrefix(rest, "\n") {
			t.Errorf("%s: does not begin with a title and an empty line", topic)
		}
		for line := range strings.Lines(rest) {
			_, command, ok := strings.Cut(line, "servegrid ")
			if !ok {
				continue
			}
			seen++
			args := append([]string{"servegrid"}, strings.Fields(command)...)
			if _, err := arrange(newApp(io.Discard, io.Discard), args); err != nil {
				t.Errorf("%s: %s: %v", topic, strings.TrimSpace(line), err)
			}
			if args[1] == "explain" && !slices.Contains(topics(), args[2]) {
				t.Errorf("%s: %s: there is no such topic", topic, strings.TrimSpace(line))
			}
		}
	}
	if seen == 0 {
		t.Error("no commands were checked")
	}
}
