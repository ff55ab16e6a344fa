package sinks

import "slices"

// textDict numbers the distinct texts of a row group in order of appearance.
type textDict struct {
	list []string
	ids  map[string]int32
	last int32 // what id returned last
}

func (d *textDict) reset() {
	clear(d.list)
	d.list, d.last = d.list[:0], 0
	clear(d.ids)
}

func (d *textDict) id(s string) int32 {
	if len(d.list) > 0 && d.list[d.last] == s {
		return d.last
	}
	id, ok := d.ids[s]
	if !ok {
		if d.ids == nil {
			d.ids = make(map[string]int32)
		}
		id = int32(len(d.list))
		d.ids[s] = id
		d.list = append(d.list, s)
	}
	d.last = id
	return id
}

func (d *textDict) bounds() (lo, hi string) { return slices.Min(d.list), slices.Max(d.list) }

// intDict numbers the distinct int32 of a row group in order of appearance, in an
// open-addressing table: a Go map costs four times as much per look-up here.
type intDict struct {
	list  []int32
	slots []intSlot // a power of two, at most an eighth full, so that most keys are in their first
	shift uint8     // 32 - log2(len(slots))
}

type intSlot struct {
	key int32
	id  int32 // plus one; 0 marks an empty slot
}

const (
	intDictBits  = 8 // of the first table
	intDictSpare = 8 // slots per key
)

func (d *intDict) reset() {
	d.list = d.list[:0]
	clear(d.slots)
}

func (d *intDict) id(v int32) int32 {
	if intDictSpare*len(d.list) >= len(d.slots) {
		d.grow()
	}
	mask := uint32(len(d.slots) - 1)
	for h := firstSlot(v, d.shift); ; h++ {
		s := &d.slots[h&mask]
		if s.id == 0 {
			d.list = append(d.list, v)
			*s = intSlot{key: v, id: int32(len(d.list))}
			return s.id - 1
		}
		if s.key == v {
			return s.id - 1
		}
	}
}

// firstSlot is where a key is looked for first.
func firstSlot(v int32, shift uint8) uint32 { return uint32(v) * 0x9E3779B1 >> (shift & 31) }

// appendIDs appends the ids of the values.
func (d *intDict) appendIDs(ids, values []int32) []int32 {
	if len(d.slots) == 0 {
		d.grow()
	}
	n := len(ids)
	ids = slices.Grow(ids, len(values))[:n+len(values)]
	out := ids[n:]
	slots, shift := d.slots, d.shift
	for i, v := range values {
		if s := slots[firstSlot(v, shift)]; s.key == v && s.id > 0 {
			out[i] = s.id - 1
		} else {
			out[i] = d.id(v)
			slots, shift = d.slots, d.shift
		}
	}
	return ids
}

func (d *intDict) grow() {
	if len(d.slots) == 0 {
		d.slots, d.shift = make([]intSlot, 1<<intDictBits), 32-intDictBits
		return
	}
	d.slots, d.shift = make([]intSlot, 2*len(d.slots)), d.shift-1
	mask := uint32(len(d.slots) - 1)
	for id, v := range d.list {
		h := firstSlot(v, d.shift)
		for d.slots[h&mask].id != 0 {
			h++
		}
		d.slots[h&mask] = intSlot{key: v, id: int32(id) + 1}
	}
}

func (d *intDict) bounds() (lo, hi int32) { return slices.Min(d.list), slices.Max(d.list) }
