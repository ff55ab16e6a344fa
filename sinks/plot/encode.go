package plot

import (
	"bytes"
	"fmt"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const dpi = 96 // pixels per inch, the CSS pixel

// encode runs paint on a canvas of width x height pixels and writes the result
// to w.
func encode(w io.Writer, format Format, width, height int, paint func(draw.Canvas)) error {
	wd, ht := vg.Length(width)*vg.Inch/dpi, vg.Length(height)*vg.Inch/dpi
	switch format {
	case PNG:
		c := vgimg.NewWith(vgimg.UseWH(wd, ht), vgimg.UseDPI(dpi))
		paint(draw.New(c))
		if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
			return fmt.Errorf("write png: %w", err)
		}
		return nil
	case SVG:
		c := vgsvg.New(wd, ht)
		paint(draw.New(c))
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return fmt.Errorf("draw svg: %w", err)
		}
		// The text is not embedded as outlines or fonts (400 KB each). Arial and
		// Helvetica have the same widths as the font the layout was made with.
		const family = "font-family:Liberation Sans"
		out := bytes.ReplaceAll(b.Bytes(), []byte(family), []byte(family+",Arial,Helvetica,sans-serif"))
		if _, err := w.Write(out); err != nil {
			return fmt.Errorf("write svg: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("unknown picture format %q: valid are %s, %s", format, PNG, SVG)
	}
}
