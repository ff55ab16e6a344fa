package queries

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// normalise turns a driver value of the named DuckDB type into one of the types that
// [Result] promises.
func normalise(v any, typ string) any {
	switch v := v.(type) {
	case nil, bool, string, int64:
		return v
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		if v > math.MaxInt64 {
			return float64(v)
		}
		return int64(v)
	case float32:
		return finite(float64(v))
	case float64:
		return finite(v)
	case *big.Int:
		if v == nil {
			return nil
		}
		if v.IsInt64() {
			return v.Int64()
		}
		f, _ := new(big.Float).SetInt(v).Float64()
		return finite(f)
	case duckdb.Decimal:
		return finite(v.Float64())
	case time.Time:
		switch typ {
		case "DATE":
			return v.Format(time.DateOnly)
		case "TIME", "TIMETZ", "TIME WITH TIME ZONE":
			return v.Format("15:04:05.999999")
		}
		return v.UTC().Format(time.RFC3339Nano)
	case duckdb.Interval:
		return fmt.Sprintf("P%dM%dDT%gS", v.Months, v.Days, float64(v.Micros)/1e6)
	case duckdb.UUID:
		return v.String()
	case duckdb.OrderedMap:
		m := make(map[string]any, v.Len())
		for i, k := range v.Keys() {
			m[fmt.Sprint(k)] = normalise(v.Values()[i], "")
		}
		return m
	case duckdb.Union:
		return normalise(v.Value, "")
	case []byte:
		if typ == "UUID" && len(v) == 16 {
			return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
		}
		return hex.EncodeToString(v)
	}
	return normaliseNested(v)
}

// normaliseNested handles lists, structs and maps, whatever their element types.
func normaliseNested(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		return normalise(r.Elem().Interface(), "")
	case reflect.Slice, reflect.Array:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = normalise(r.Index(i).Interface(), "")
		}
		return list
	case reflect.Map:
		m := make(map[string]any, r.Len())
		for it := r.MapRange(); it.Next(); {
			m[fmt.Sprint(it.Key().Interface())] = normalise(it.Value().Interface(), "")
		}
		return m
	case reflect.Struct:
		if m, ok := v.(fmt.Stringer); ok {
			return m.String()
		}
	}
	return fmt.Sprint(v)
}

func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}
