package main

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
)

// Each topic is a file; its first line is what the list shows.
//
//go:embed explain/*.txt
var explainFiles embed.FS

const topicRDMA = "rdma"

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "explain what goes wrong with deployments, and what to do",
		ArgsUsage: "[TOPIC]",
		Description: `Without a topic: the list of topics. With rdma, --logs judges what workers logged
about how the KV cache travels; exit code 1 when that is not RDMA. Examples:
  servegrid explain below-predictions
  kubectl logs POD | servegrid explain rdma --logs -`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "logs", Usage: "with rdma: the log of a prefill or decode worker, or - for standard input"},
		},
		Action: func(c *cli.Context) error {
			topic := strings.Join(c.Args().Slice(), "-") // "context stopped" as well
			logs := c.String("logs")
			switch {
			case logs != "" && topic != topicRDMA:
				return usagef("--logs is for %s only: servegrid explain %s --logs %s", topicRDMA, topicRDMA, logs)
			case logs != "":
				return explainLogs(c.App.Writer, logs)
			case topic == "":
				return listTopics(c.App.Writer)
			}
			return explainTopic(c.App.Writer, topic)
		},
	}
}

// topics returns the names of all topics, sorted.
func topics() []string {
	files, err := fs.Glob(explainFiles, "explain/*.txt")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "explain/"), ".txt")
	}
	return files
}

func topicText(name string) string {
	b, err := explainFiles.ReadFile("explain/" + name + ".txt")
	if err != nil {
		panic(err) // only names of topics come here
	}
	return string(b)
}

func listTopics(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Topics of servegrid explain TOPIC:\n\n")
	for _, name := range topics() {
		title, _, _ := strings.Cut(topicText(name), "\n")
		fmt.Fprintf(&b, "  %-18s %s\n", name, title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainTopic(w io.Writer, name string) error {
	for _, known := range topics() {
		if strings.EqualFold(known, strings.ReplaceAll(name, "_", "-")) {
			_, err := io.WriteString(w, topicText(known))
			return err
		}
	}
	return asUsage(suggest.Unknown("topic", name, topics()))
}
