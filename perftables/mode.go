package perftables

import (
	"errors"

	"servegrid/internal/suggest"
)

// Mode says where latencies come from.
type Mode string

// The modes.
const (
	Silicon   Mode = "SILICON"   // measured
	Hybrid    Mode = "HYBRID"    // measured, and empirical where nothing was measured
	Empirical Mode = "EMPIRICAL" // the speed of light over an efficiency per kind
	SOL       Mode = "SOL"       // the speed of light: peak arithmetic or peak memory traffic
)

// Modes lists them.
func Modes() []string {
	return []string{string(Silicon), string(Hybrid), string(Empirical), string(SOL)}
}

// ParseMode returns the mode of that name.
func ParseMode(name string) (Mode, error) {
	for _, m := range Modes() {
		if m == name {
			return Mode(m), nil
		}
	}
	return "", suggest.Unknown("database mode", name, Modes())
}

// Efficiencies: the share of the speed of light that kernels of a kind reach
// where nothing was measured. Source: AIConfigurator 0.6.0.
const (
	gemmEfficiency                = 0.8
	contextAttentionEfficiency    = 0.6
	generationAttentionEfficiency = 0.8
	contextMLAEfficiency          = 0.6
	generationMLAEfficiency       = 0.8
	wideEPContextMLAEfficiency    = 0.6
	wideEPGenerationMLAEfficiency = 0.7
	mlaBMMEfficiency              = 0.8
	moeEfficiency                 = 0.4
	commEfficiency                = 0.8
)

// choose makes the kernel of the database's mode from the measured one, or the
// error for want of it, and the speed of light.
func (db *Database) choose(measured Kernel, err error, sol Kernel, efficiency float64) (Kernel, error) {
	var missing *NoDataError
	if db.Generation == GenerationRaw && err == nil && measured != nil {
		measured = heldKernel(measured, sol)
	}
	switch {
	case db.Mode == SOL:
		return sol, nil
	case db.Mode == Empirical:
		return scaledKernel{sol, 1 / efficiency}, nil
	case db.Mode == Hybrid && errors.As(err, &missing):
		return scaledKernel{sol, 1 / efficiency}, nil
	case err != nil:
		return nil, err
	case db.Mode == Hybrid:
		return hybrid{measured, scaledKernel{sol, 1 / efficiency}}, nil
	}
	return measured, nil
}

// measuredMode reports whether answers may come from tables.
func (db *Database) measuredMode() bool { return db.Mode == Silicon || db.Mode == Hybrid }
