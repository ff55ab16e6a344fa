package report

// The guide's case: Qwen3-32B-FP8 on 8 H200 GPUs, vLLM 0.12.0, 4000/500 tokens,
// TTFT 600 ms, TPOT 16.67 ms. Figures of the rows and frontiers are those
// AIConfigurator 0.6.0 saves for it, rounded to three decimals there.

func worker(n, bs, tp int, parallel string) Worker {
	return Worker{Workers: n, Parallel: parallel, BS: bs, TP: tp, PP: 1, DP: 1}
}

func guideAgg() Experiment {
	row := func(perGPU, perUser, ttft, tpot, latency, rate float64, bs, tp, replicas int, parallel string) Row {
		return Row{
			TokensPerSecPerGPUCluster: perGPU, TokensPerSecPerUser: perUser,
			TTFT: ttft, TPOT: tpot, RequestLatency: latency, RequestRate: rate,
			Concurrency: bs, ReplicaGPUs: tp, Replicas: replicas, Backend: "vllm",
			Agg: worker(1, bs, tp, parallel),
		}
	}
	return Experiment{
		Name:   "agg",
		Limits: Latencies{TTFT: 600, TPOT: 16.67},
		Rows: []Row{
			row(397.313, 60.665, 509.142, 16.484, 8734.685, 1.592, 14, 2, 4, "tp2pp1"),
			row(349.901, 60.975, 412.582, 16.4, 8596.277, 2.805, 24, 4, 2, "tp4pp1"),
			row(235.62, 62.713, 482.572, 15.946, 8439.411, 3.777, 32, 8, 1, "tp8pp1"),
		},
		Frontier: []Point{
			{11.817, 704.377}, {13.427, 692.754}, {15.502, 675.651}, {18.553, 660.065}, {23.216, 640.07},
			{30.145, 590.518}, {39.602, 539.087}, {51.278, 484.764}, {58.618, 412.249}, {60.665, 397.313},
			{65.213, 364.285}, {70.49, 326.269}, {76.694, 282.104}, {80.245, 257.292}, {87.486, 232.57},
			{93.654, 185.244}, {99.955, 152.527}, {109.657, 122.944}, {122.506, 94.992}, {151.706, 18.413},
		},
	}
}

func guideDisagg() Experiment {
	row := func(perGPU, perUser, tpot, latency, rate float64, concurrency, gpus, replicas int, p, d Worker) Row {
		return Row{
			TokensPerSecPerGPUCluster: perGPU, TokensPerSecPerUser: perUser,
			TTFT: 388.105, TPOT: tpot, RequestLatency: latency, RequestRate: rate,
			Concurrency: concurrency, ReplicaGPUs: gpus, Replicas: replicas, Backend: "vllm",
			Prefill: p, Decode: d,
		}
	}
	return Experiment{
		Name:   "disagg",
		Disagg: true,
		Limits: Latencies{TTFT: 600, TPOT: 16.67},
		Rows: []Row{
			row(521.775, 76.962, 12.993, 6871.612, 8.348, 60, 8, 1, worker(2, 1, 2, "tp2pp1"), worker(1, 60, 4, "tp4pp1")),
			row(521.775, 63.293, 15.8, 8272.305, 4.174, 40, 4, 2, worker(1, 1, 2, "tp2pp1"), worker(1, 40, 2, "tp2pp1")),
			row(260.888, 62.814, 15.92, 8332.185, 4.174, 42, 8, 1, worker(1, 1, 2, "tp2pp1"), worker(6, 7, 1, "tp1pp1")),
		},
		Frontier: []Point{
			{17.025, 753.365}, {22.722, 670.22}, {25.03, 622.955}, {25.118, 578.91}, {36.621, 540.155}, {76.962, 521.775},
			{77.585, 260.888}, {84.068, 213.095}, {84.555, 204.585}, {91.959, 137.77}, {103.887, 59.858}, {112.519, 38.87},
		},
	}
}

func guideFinal() *Final {
	return &Final{
		Model: "Qwen/Qwen3-32B-FP8", TotalGPUs: 8, Chosen: "disagg",
		Experiments: []Experiment{guideAgg(), guideDisagg()},
		Unicode:     true, Plot: true,
		Notes: []string{
			"Quantization: gemm fp8, kvcache fp8, fmha float16, comm half",
			"RDMA is required for disagg; without it TTFT is about 40x worse.\nCheck for rdma/ib in the pod spec.",
		},
	}
}

// guideCells are the cells of the guide's two tables, header first.
var guideCells = map[string]string{
	"agg": `
Rank|tokens/s/gpu|tokens/s/user|TTFT|request_latency|concurrency|total_gpus (used)|replicas|parallel|bs
1|397.31|60.66|509.14|8734.68|56 (=14x4)|8 (8=4x2)|4|tp2pp1|14
2|349.90|60.98|412.58|8596.28|48 (=24x2)|8 (8=2x4)|2|tp4pp1|24
3|235.62|62.71|482.57|8439.41|32 (=32x1)|8 (8=1x8)|1|tp8pp1|32`,
	"disagg": `
Rank|tokens/s/gpu|tokens/s/user|TTFT|request_latency|concurrency|total_gpus (used)|replicas|(p)parallel|(d)parallel
1|521.77|76.96|388.11|6871.61|60 (=60x1)|8 (8=1x8)|1|tp2pp1|tp4pp1
2|521.77|63.29|388.11|8272.31|80 (=40x2)|8 (8=2x4)|2|tp2pp1|tp2pp1
3|260.89|62.81|388.11|8332.18|42 (=42x1)|8 (8=1x8)|1|tp2pp1|tp1pp1`,
}
