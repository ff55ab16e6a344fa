package deploy

// KeyTable lists the keys that override a deployment, as a table for people; a
// backend leaves out the keys of others.
func KeyTable(backend string) (columns []string, rows [][]any) {
	columns = []string{"key", "default", "backend", "meaning", "example"}
	rows = append(rows, []any{modeKey, "-", "all", "limits the overrides beside it to agg or disagg deployments", Disagg})
	for i := range keys {
		k := &keys[i]
		if backend != "" && k.backend != "" && k.backend != backend {
			continue
		}
		def, whose := k.def, k.backend
		if k.lit != "" {
			def = k.lit
		}
		if whose == "" {
			whose = "all"
		}
		example := k.example
		if example == "" {
			example = "-"
		}
		rows = append(rows, []any{k.path, def, whose, k.help, example})
	}
	return columns, rows
}

// ParamTable lists the engine parameters and how each engine spells them, "-"
// where it does not have one; for one backend, those that it has.
func ParamTable(backend string) (columns []string, rows [][]any) {
	backends := []string{vLLM, sgLang, trtLLM}
	if backend != "" {
		backends = []string{backend}
	}
	columns = append(append([]string{"parameter"}, backends...), "meaning")
	for i := range params {
		p := &params[i]
		row, some := []any{p.name}, false
		for _, b := range backends {
			s := p.spelling(b)
			switch {
			case s == "":
				row = append(row, "-")
				continue
			case b != trtLLM:
				s = "--" + s
			}
			some = true
			row = append(row, s)
		}
		if some {
			rows = append(rows, append(row, p.help))
		}
	}
	for _, extra := range []struct{ name, help string }{
		{extraCLIArgs, "arguments added as they are"},
		{extraEngineArgs, "mapping laid over the engine's file; vLLM and SGLang: options"},
	} {
		row := []any{extra.name}
		for range backends {
			row = append(row, "any")
		}
		rows = append(rows, append(row, extra.help))
	}
	return columns, rows
}
