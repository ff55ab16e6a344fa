package deploy

import (
	"fmt"
	"strconv"
	"strings"
)

// runScript launches the workers of one node on bare machines, and on the first
// node the frontend.
func (p *Plan) runScript(node int, instances []instance) string {
	s := &p.settings.service
	var b strings.Builder
	fmt.Fprintf(&b, "#!/usr/bin/env bash\n# Runs the workers of node %d. Each setting below can be given in the environment.\nset -euo pipefail\ncd \"$(dirname \"$0\")\"\n\n", node)
	fmt.Fprintf(&b, "export MODEL_PATH=\"${MODEL_PATH:-%s}\"\n", inQuotes(s.modelPath))
	fmt.Fprintf(&b, "export SERVED_MODEL_NAME=\"${SERVED_MODEL_NAME:-%s}\"\n", inQuotes(s.servedName))
	if s.hfToken != "" {
		fmt.Fprintf(&b, "export HF_TOKEN=\"${HF_TOKEN:-%s}\"\n", inQuotes(s.hfToken))
	}
	fmt.Fprintf(&b, "export HEAD_NODE_IP=\"${HEAD_NODE_IP:-%s}\"\n", inQuotes(s.headNodeIP))
	b.WriteString("export ETCD_ENDPOINTS=\"${ETCD_ENDPOINTS:-$HEAD_NODE_IP:2379}\"\nexport NATS_SERVER=\"${NATS_SERVER:-nats://$HEAD_NODE_IP:4222}\"\n")
	b.WriteString(launcher)
	if node == 0 && s.includeFrontend {
		b.WriteString(p.frontendLine())
	}
	ports := p.newPorts(instances)
	for _, w := range instances {
		b.WriteString(p.workerLine(w, ports))
	}
	b.WriteString("\nwait -n # the first process that ends takes the others with it\n")
	return b.String()
}

// launcher starts processes with labelled output and stops them with the script.
const launcher = `
pids=()
stop() {
  trap - EXIT
  if ((${#pids[@]})); then
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  fi
}
trap stop EXIT
trap 'exit 130' INT TERM

launch() { # launch LABEL COMMAND...
  local label=$1
  shift
  "$@" > >(sed -u "s/^/[$label] /") 2>&1 &
  pids+=($!)
}
`

// inQuotes escapes a text for the inside of double quotes.
func inQuotes(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s)
}

func (p *Plan) frontendLine() string {
	words := []string{"python3", "-m", "dynamo.frontend", "--http-port", strconv.Itoa(p.settings.service.port)}
	if p.settings.router {
		words = append(words, "--router-mode", "kv")
	}
	env := ""
	if p.Backend == sgLang {
		env = fmt.Sprintf("env DYN_SYSTEM_PORT=%d OTEL_SERVICE_NAME=dynamo-frontend ", sglangFrontendPort)
	}
	return fmt.Sprintf("\nlaunch Frontend %s%s\n", env, strings.Join(words, " "))
}

// Ports at which processes report their health. Source: AIConfigurator 0.6.0.
const (
	systemPort         = 8081
	sglangFrontendPort = 8080
)

// ports are those that the workers of a node listen on: one of its own for each.
type ports struct{ system, events, side map[instance]int }

// newPorts hands out ports. Prefill workers come first, but for vLLM's system
// ports, where they follow the decode workers.
func (p *Plan) newPorts(instances []instance) ports {
	s := &p.settings.service
	o := ports{map[instance]int{}, map[instance]int{}, map[instance]int{}}
	system, events, side := systemPort, s.kvEventPort, s.nixlPort
	if p.Backend == sgLang {
		events = s.sglangKVEventPort
		if p.choice.Mode == Disagg {
			system++ // 8081 is the port of an aggregated worker
		}
	}
	for _, w := range instances {
		o.events[w], o.side[w] = events, side
		events++
		side += w.role.GPUs // every rank may take one
	}
	order := instances
	if p.Backend == vLLM {
		order = nil
		for i := len(p.Roles) - 1; i >= 0; i-- {
			for _, w := range instances {
				if w.role == &p.Roles[i] {
					order = append(order, w)
				}
			}
		}
	}
	for i, w := range order {
		o.system[w] = system + i
	}
	return o
}

// workerLine launches one worker.
func (p *Plan) workerLine(w instance, o ports) string {
	label := map[string]string{Agg: "Worker", Prefill: "Prefill", Decode: "Decode"}[w.role.Name]
	env := []string{"CUDA_VISIBLE_DEVICES=" + gpuRange(w.gpu, w.role.GPUs), fmt.Sprintf("DYN_SYSTEM_PORT=%d", o.system[w])}
	switch p.Backend {
	case vLLM:
		env = append(env, fmt.Sprintf("DYN_VLLM_KV_EVENT_PORT=%d", o.events[w]), fmt.Sprintf("VLLM_NIXL_SIDE_CHANNEL_PORT=%d", o.side[w]))
	case sgLang:
		env = append(env, fmt.Sprintf("OTEL_SERVICE_NAME=dynamo-worker-%s-%d", w.role.Name, w.index))
	}
	if p.choice.Mode == Disagg && p.settings.k8s.transport == transportIB {
		env = append(env, "UCX_TLS=rc_x,rc,dc_x,dc,cuda_copy,cuda_ipc", "UCX_RNDV_SCHEME=get_zcopy", "UCX_RNDV_THRESH=0")
	}
	head := fmt.Sprintf("launch '%s %d' env %s \\\n  python3 -m dynamo.%s", label, w.index, strings.Join(env, " "), p.Backend)
	return "\n" + command("", head, p.scriptLines(w, o))
}

// scriptLines are the worker's arguments, the model as the environment says. On
// one machine every worker needs a port of its own for the events of its cache.
func (p *Plan) scriptLines(w instance, o ports) [][]string {
	s := &p.settings.service
	lines := optionLines(append(args(p.options(w.role, configName(w.role.Name))), w.role.cliArgs...))
	for _, l := range lines {
		switch l[0] {
		case "--model", "--model-path":
			l[1] = `"$MODEL_PATH"`
		case "--served-model-name":
			l[1] = `"$SERVED_MODEL_NAME"`
		case "--kv-events-config":
			base := s.kvEventPort
			if p.Backend == sgLang {
				base = s.sglangKVEventPort
			}
			l[1] = strings.Replace(l[1], fmt.Sprintf(":%d", base), fmt.Sprintf(":%d", o.events[w]), 1)
		}
	}
	return lines
}

// gpuRange lists n GPUs from a first one on.
func gpuRange(first, n int) string {
	list := make([]int, n)
	for i := range list {
		list[i] = first + i
	}
	return strings.ReplaceAll(joinInts(list), " ", ",")
}
