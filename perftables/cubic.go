package perftables

import "math"

// The "cubic" rule of GEMM and context attention is a Clough–Tocher
// interpolant: a C1 piecewise cubic over the two triangles that the diagonal
// from the low-low to the high-high corner makes of a cell. Corner gradients are
// estimated from the same four values by Gauss–Seidel sweeps that stop on an
// absolute test, usually before they converge. That unconverged state is part of
// the answer, and of agreement with AIConfigurator: solving the system exactly
// moves GEMM results by up to 1.5 %, so do not improve on it.

const (
	gradientSweeps    = 400
	gradientTolerance = 1e-6
)

// neighbours lists, per corner, the corners that share an edge with it, in the
// order in which they are summed. Corners are numbered
// 0 = (y0,z0), 1 = (y0,z1), 2 = (y1,z0), 3 = (y1,z1).
var neighbours = [4][]int{{3, 1, 2}, {3, 0}, {3, 0}, {1, 0, 2}}

type vec struct{ y, z float64 }

// gradients estimates the slope at each corner, in ms per unit of y and z.
func gradients(p [4]vec, f [4]float64) (g [4]vec) {
	for range gradientSweeps {
		worst := 0.0
		for i := range g {
			var q0, q1, q3, s0, s1 float64
			for _, j := range neighbours[i] {
				ey, ez := p[j].y-p[i].y, p[j].z-p[i].z
				l := math.Sqrt(float64(ey*ey) + float64(ez*ez))
				l3 := l * l * l
				d2 := float64(-ey*g[j].y) - float64(ez*g[j].z)
				q0 += 4 * ey * ey / l3
				q1 += 4 * ey * ez / l3
				q3 += 4 * ez * ez / l3
				t := float64(6*(f[i]-f[j])) - float64(2*d2)
				s0 += t * ey / l3
				s1 += t * ez / l3
			}
			det := float64(q0*q3) - float64(q1*q1)
			r0 := (float64(q3*s0) - float64(q1*s1)) / det
			r1 := (float64(q0*s1) - float64(q1*s0)) / det
			change := max(math.Abs(g[i].y+r0), math.Abs(g[i].z+r1))
			g[i] = vec{-r0, -r1}
			worst = max(worst, change/max(1, math.Abs(r0), math.Abs(r1)))
		}
		if worst < gradientTolerance {
			break
		}
	}
	return g
}

// gradients returns the kept gradients of the cell, or estimates and keeps them.
// Whoever comes first, they are the same.
func (c *cell) gradients(p [4]vec, f [4]float64) [4]vec {
	if c.slopes == nil {
		return gradients(p, f)
	}
	if kept := c.slopes.Load(); kept != nil {
		return *kept
	}
	g := gradients(p, f)
	c.slopes.Store(&g)
	return g
}

// cubic evaluates the interpolant at the query point of the cell.
func cubic(c cell) float64 {
	p := [4]vec{{c.y0, c.z0}, {c.y0, c.z1}, {c.y1, c.z0}, {c.y1, c.z1}}
	f := [4]float64{c.f00, c.f01, c.f10, c.f11}
	g := c.gradients(p, f)
	u, w := (c.y-c.y0)/(c.y1-c.y0), (c.z-c.z0)/(c.z1-c.z0)
	if w >= u {
		return triangle{p, f, g, 3, 1, 0}.at(u, w-u, 1-w)
	}
	return triangle{p, f, g, 2, 3, 0}.at(u-w, w, 1-u)
}

// triangle names three corners of a cell.
type triangle struct {
	p       [4]vec
	f       [4]float64
	g       [4]vec
	a, b, c int
}

// edge is the derivative at corner i towards corner j, times the distance.
func (t *triangle) edge(i, j int) float64 {
	return float64(t.g[i].y*(t.p[j].y-t.p[i].y)) + float64(t.g[i].z*(t.p[j].z-t.p[i].z))
}

// at evaluates the cubic at barycentric coordinates (b1, b2, b3). The Bézier
// ordinates cIJKL belong to the three corners and the centroid, in that order.
func (t triangle) at(b1, b2, b3 float64) float64 {
	// On a rectangle the normal derivative along each edge is fixed by the same
	// weight.
	const h = -0.5

	c3000, c0300, c0030 := t.f[t.a], t.f[t.b], t.f[t.c]
	c2100 := c3000 + t.edge(t.a, t.b)/3
	c2010 := c3000 + t.edge(t.a, t.c)/3
	c1200 := c0300 + t.edge(t.b, t.a)/3
	c0210 := c0300 + t.edge(t.b, t.c)/3
	c1020 := c0030 + t.edge(t.c, t.a)/3
	c0120 := c0030 + t.edge(t.c, t.b)/3

	c2001 := (c2100 + c2010 + c3000) / 3
	c0201 := (c1200 + c0300 + c0210) / 3
	c0021 := (c1020 + c0120 + c0030) / 3

	c0111 := float64((float64(h*(-c0300+float64(3*c0210)-float64(3*c0120)+c0030)) + (-c0300 + float64(2*c0210) - c0120 + c0021 + c0201)) / 2)
	c1011 := float64((float64(h*(-c0030+float64(3*c1020)-float64(3*c2010)+c3000)) + (-c0030 + float64(2*c1020) - c2010 + c2001 + c0021)) / 2)
	c1101 := float64((float64(h*(-c3000+float64(3*c2100)-float64(3*c1200)+c0300)) + (-c3000 + float64(2*c2100) - c1200 + c2001 + c0201)) / 2)

	c1002 := (c1101 + c1011 + c2001) / 3
	c0102 := (c1101 + c0111 + c0201) / 3
	c0012 := (c1011 + c0111 + c0021) / 3
	c0003 := (c1002 + c0102 + c0012) / 3

	m := min(b1, b2, b3)
	a1, a2, a3, a4 := b1-m, b2-m, b3-m, 3*m

	return float64(a1*a1*a1*c3000) + float64(3*a1*a1*(float64(a2*c2100)+float64(a3*c2010)+float64(a4*c2001))) +
		float64(3*a1*(float64(a2*a2*c1200)+float64(a3*a3*c1020)+float64(a4*a4*c1002))) +
		float64(6*a1*a4*(float64(a2*c1101)+float64(a3*c1011))) +
		float64(a2*a2*a2*c0300) + float64(3*a2*a2*(float64(a3*c0210)+float64(a4*c0201))) +
		float64(3*a2*(float64(a3*a3*c0120)+float64(a4*a4*c0102))) + float64(6*a2*a3*a4*c0111) +
		float64(a3*a3*a3*c0030) + float64(3*a3*a3*a4*c0021) + float64(3*a3*a4*a4*c0012) + float64(a4*a4*a4*c0003)
}
