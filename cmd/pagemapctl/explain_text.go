// explain's text for people.

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pagemap/fcgi/explain"
)

func (e *explanation) print(b *bytes.Buffer) {
	fmt.Fprintln(b, e.URL)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, s := range e.KeySteps {
		fmt.Fprintf(tw, "  key\t%s\t%s\n", s.Result, s.Did)
	}
	for _, s := range e.Steps {
		row := ""
		if s.Row != "" {
			row = " (row " + s.Row + ")"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\n", s.Rule, s.Path, s.Outcome, row)
	}
	_ = tw.Flush() // into memory
	fmt.Fprintf(b, "%d %s\n", e.Status, http.StatusText(e.Status))
	if e.Source != "" {
		fmt.Fprintf(b, "  from %s\n", e.Source)
	}
	if e.Flag != "" {
		fmt.Fprintf(b, "  look at this: %s\n", e.Flag)
	}
	for _, name := range sortedNames(e.Header) {
		for _, value := range e.Header[name] {
			fmt.Fprintf(b, "  %s: %s\n", name, oneLine(value))
		}
	}
	for i := range e.Rows {
		printRow(b, &e.Rows[i])
	}
	if len(e.Hops) > 1 {
		fmt.Fprintf(b, "chain of %d redirects, answered as one: %s\n", len(e.Hops), strings.Join(e.Hops, " -> "))
	}
	if e.File != nil {
		printFile(b, e.File)
	}
	if c := e.Cache; c != nil {
		fmt.Fprintf(b, "cache key %s\n", c.Key)
		switch {
		case c.Error != "":
			fmt.Fprintf(b, "  %s\n", oneLine(c.Error))
		case c.Tier != "":
			fmt.Fprintf(b, "  kept in %s\n", c.Tier)
		default:
			b.WriteString("  not in memcached (what the responders' own memory has is not seen from here)\n")
		}
	}
	if len(e.Suggestions) > 0 {
		b.WriteString("was this meant?\n")
		for _, s := range e.Suggestions {
			fmt.Fprintf(b, "  %s (%s)\n", s.URL, s.Reason)
		}
	}
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func printRow(b *bytes.Buffer, r *explain.Row) {
	fmt.Fprintf(b, "row %s: %s (%s)\n", r.Path, strings.TrimSpace(fmt.Sprint(r.Status, " ", r.Source)), r.Origin)
	if len(r.Tags) > 0 {
		fmt.Fprintf(b, "  tags %s\n", strings.Join(r.Tags, ", "))
	}
	if r.Note != "" {
		fmt.Fprintf(b, "  note %s\n", oneLine(r.Note))
	}
	if s := r.ChangeSet; s != nil {
		fmt.Fprintf(b, "  changed %s by %s in change-set %d (%s)", s.At.UTC().Format(time.DateTime), oneLine(s.Author), s.ID, s.Origin)
		if s.Note != "" {
			fmt.Fprintf(b, ": %s", oneLine(s.Note))
		}
		b.WriteString("\n")
	}
}

func printFile(b *bytes.Buffer, f *explain.File) {
	fmt.Fprintf(b, "file %s\n", f.Path)
	switch {
	case f.Modified != nil:
		fmt.Fprintf(b, "  %d bytes, modified %s, %s", f.Size, f.Modified.UTC().Format(time.DateTime), f.Class)
		if f.Type != "" {
			fmt.Fprintf(b, ", %s", f.Type)
		}
		b.WriteString("\n")
		if f.Real != "" {
			fmt.Fprintf(b, "  behind a symlink: %s\n", f.Real)
		}
	default:
		fmt.Fprintf(b, "  not served: %s\n", oneLine(f.Refused))
	}
}

// oneLine is s without control characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
