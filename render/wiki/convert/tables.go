// Tables for Markdown, whose cells hold a line of text and span nothing.

package convert

import (
	"slices"
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxSpan bounds what colspan and rowspan may say.
const maxSpan = 200

// cell is a cell in the grid of a table: node is nil where another one reaches into.
type cell struct{ node *html.Node }

// tables rewrites the tables below n, the innermost first. A table of one column is its cells, as a list where they are lines of
// text. In others, rows with cells that hold more than a line stand between the tables of the rows before and after.
func tables(n *html.Node) {
	for c := range each(n) {
		tables(c)
		if c.DataAtom == atom.Table {
			for _, block := range relaid(c) {
				n.InsertBefore(block, c)
			}
			n.RemoveChild(c)
		}
	}
}

// relaid is what stands in the place of a table.
func relaid(table *html.Node) []*html.Node {
	var out []*html.Node
	if caption := child(table, atom.Caption); caption != nil {
		p := element(atom.P)
		moveChildren(p, caption)
		out = append(out, p)
	}
	rows := narrowed(grid(table))
	if len(rows) == 0 {
		return out
	}
	if len(rows[0]) == 1 {
		return append(out, column(rows)...)
	}
	var open *html.Node // the table that rows are added to
	for i, row := range rows {
		cells := slices.DeleteFunc(slices.Clone(row), func(c cell) bool { return c.node == nil || !visible(c.node) && !anchored(c.node) })
		if !slices.ContainsFunc(cells, func(c cell) bool { return !line(c.node) }) {
			if len(cells) > 0 {
				if open == nil {
					open = element(atom.Table)
					out = append(out, open)
				}
				open.AppendChild(rowOf(row, i == 0 && all(row, atom.Th)))
			}
			continue
		}
		open = nil
		if len(cells) < 2 || !line(cells[0].node) {
			for _, c := range cells {
				out = append(out, become(c.node, atom.Div))
			}
			continue
		}
		list := element(atom.Dl)
		if last := len(out) - 1; last >= 0 && out[last].DataAtom == atom.Dl {
			list = out[last]
		} else {
			out = append(out, list)
		}
		list.AppendChild(become(cells[0].node, atom.Dt))
		for _, c := range cells[1:] {
			list.AppendChild(become(c.node, atom.Dd))
		}
	}
	return out
}

// column is what stands in the place of a table of one column.
func column(rows [][]cell) (out []*html.Node) {
	simple := len(rows) > 1
	for _, row := range rows {
		simple = simple && (row[0].node == nil || line(row[0].node))
	}
	list := element(atom.Ul)
	for _, row := range rows {
		switch c := row[0].node; {
		case c == nil || !visible(c) && !anchored(c):
		case simple:
			list.AppendChild(become(c, atom.Li))
		default:
			out = append(out, become(c, atom.Div))
		}
	}
	if list.FirstChild != nil {
		out = append(out, list)
	}
	return out
}

// grid lays the cells of a table out in rows of one length.
func grid(table *html.Node) (rows [][]cell) {
	width := 0
	var reach []int // rows that a cell above still reaches into, for each column
	for tr := range tableRows(table) {
		var row []cell
		skip := func() {
			for len(row) < len(reach) && reach[len(row)] > 0 {
				reach[len(row)]--
				row = append(row, cell{})
			}
		}
		for c := range each(tr) {
			if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
				continue
			}
			skip()
			down := spanOf(c, "rowspan")
			for i := range spanOf(c, "colspan") {
				for len(reach) <= len(row) {
					reach = append(reach, 0)
				}
				reach[len(row)] = down - 1
				if i == 0 {
					row = append(row, cell{c})
				} else {
					row = append(row, cell{})
				}
			}
		}
		for len(row) < len(reach) {
			reach[len(row)] = max(0, reach[len(row)]-1)
			row = append(row, cell{})
		}
		rows = append(rows, row)
		width = max(width, len(row))
	}
	for i := range rows {
		rows[i] = append(rows[i], make([]cell, width-len(rows[i]))...)
	}
	return rows
}

// narrowed leaves the columns out in which no cell begins that readers see.
func narrowed(rows [][]cell) [][]cell {
	if len(rows) == 0 {
		return nil
	}
	var used []int
	for x := range rows[0] {
		if slices.ContainsFunc(rows, func(row []cell) bool { return row[x].node != nil && (visible(row[x].node) || anchored(row[x].node)) }) {
			used = append(used, x)
		}
	}
	if len(used) == 0 {
		return nil
	}
	out := make([][]cell, len(rows))
	for y, row := range rows {
		for _, x := range used {
			out[y] = append(out[y], row[x])
		}
	}
	return out
}

// tableRows yields the rows of a table, not those of tables in it.
func tableRows(table *html.Node) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for c := range each(table) {
			switch c.DataAtom {
			case atom.Tr:
				if !yield(c) {
					return
				}
			case atom.Thead, atom.Tbody, atom.Tfoot:
				for r := range each(c) {
					if r.DataAtom == atom.Tr && !yield(r) {
						return
					}
				}
			}
		}
	}
}

// rowOf is a row of Markdown's: of header cells, or of others, where a header cell is strong.
func rowOf(row []cell, header bool) *html.Node {
	tr := element(atom.Tr)
	for _, c := range row {
		kind := atom.Td
		if header {
			kind = atom.Th
		}
		out := element(kind)
		if c.node != nil {
			into := out
			if c.node.DataAtom == atom.Th && !header {
				into = element(atom.Strong)
				out.AppendChild(into)
			}
			moveChildren(into, c.node)
		}
		tr.AppendChild(out)
	}
	return tr
}

func all(row []cell, a atom.Atom) bool {
	return !slices.ContainsFunc(row, func(c cell) bool { return c.node != nil && c.node.DataAtom != a })
}

// line reports whether what n holds can stand on one line.
func line(n *html.Node) bool {
	for d := range n.Descendants() {
		switch d.DataAtom {
		case atom.Pre:
			if len(codeLines(d)) > 1 {
				return false
			}
		case atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.Blockquote, atom.Hr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Menu, atom.Dir:
			return false
		}
	}
	return true
}

// anchored reports whether n holds a place that links lead to.
func anchored(n *html.Node) bool {
	for d := range n.Descendants() {
		if _, ok := attr(d, "id"); ok {
			return true
		}
	}
	return false
}

func spanOf(n *html.Node, key string) int {
	text, _ := attr(n, key)
	v, err := strconv.Atoi(text)
	if err != nil {
		return 1
	}
	return min(max(v, 1), maxSpan)
}

// child is the first child of a kind, or nil.
func child(n *html.Node, a atom.Atom) *html.Node {
	for c := range n.ChildNodes() {
		if c.DataAtom == a {
			return c
		}
	}
	return nil
}

// become is n's content in another element.
func become(n *html.Node, a atom.Atom) *html.Node {
	out := element(a)
	moveChildren(out, n)
	return out
}

func moveChildren(to, from *html.Node) {
	for c := range each(from) {
		from.RemoveChild(c)
		to.AppendChild(c)
	}
}
