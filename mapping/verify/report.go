// Reports: for people, spreadsheets and build servers.

package verify

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// WriteText writes the report for people, with at most limit URLs of each class.
func (r *Report) WriteText(w io.Writer, limit int) error {
	b := &strings.Builder{}
	for _, s := range r.Sources {
		s.write(b)
	}
	fmt.Fprintf(b, "%s asked\n", r.All)
	fmt.Fprintf(b, "  %s as before\n", r.Verdicts[Same])
	for _, verdict := range []Verdict{Fine, Better, Accepted, Worse} {
		if c := r.Verdicts[verdict]; c.URLs > 0 || verdict == Worse {
			fmt.Fprintf(b, "  %s %s\n", c, map[Verdict]string{Fine: "otherwise, and fine", Better: "better", Accepted: "worse, and accepted", Worse: "worse"}[verdict]+r.share(c))
		}
	}
	shown, group := 0, ""
	for i := range r.Differences {
		d := &r.Differences[i]
		if name := string(d.Verdict) + " " + string(d.Class); name != group {
			r.more(b, shown-limit)
			group, shown = name, 0
			fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(strings.ToUpper(string(d.Verdict))+" "+string(d.Class)))
		}
		if shown++; shown <= limit {
			fmt.Fprintf(b, "  %d\t%s\t%s\n", d.Hits, printable(d.URL), printable(d.String()))
		}
	}
	r.more(b, shown-limit)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) more(b *strings.Builder, n int) {
	if n > 0 {
		fmt.Fprintf(b, "  and %d more\n", n)
	}
}

func (r *Report) share(c Count) string {
	if c.Hits == 0 || r.All.Hits == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.2g %% of the hits)", 100*float64(c.Hits)/float64(r.All.Hits))
}

// String is the count in words.
func (c Count) String() string { return fmt.Sprintf("%d URLs (%d hits)", c.URLs, c.Hits) }

func (s *Source) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s of %d records, %d new URLs", printable(s.Name), s.Kind, s.Records, s.New)
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.Errors, "errors and other methods left out"}, {s.OtherHost, "on other hosts"},
		{s.Elsewhere, "elsewhere on the server"},
		{s.Over, "beyond the limit"}, {s.Bad, "unreadable, first " + s.FirstBad},
	} {
		if part.n > 0 {
			fmt.Fprintf(b, ", %d %s", part.n, printable(part.what))
		}
	}
	b.WriteString("\n")
}

// String is the difference in words.
func (d *Difference) String() string {
	before := "works"
	if d.Before != nil {
		before = d.Before.String()
	}
	return before + " -> " + d.Now.String()
}

// String is the outcome in words: "301 /new (200)".
func (o Outcome) String() string {
	words := strconv.Itoa(o.Status)
	if o.Status == 0 {
		words = "no answer"
	}
	if o.Location != "" {
		words += " " + o.Location
	}
	switch {
	case o.Error != "":
		words += " (" + o.Error + ")"
	case o.EndStatus != 0 && o.Hops > 1:
		words += fmt.Sprintf(" (%d redirects, then %s %d)", o.Hops, o.End, o.EndStatus)
	case o.EndStatus != 0 && o.EndStatus != 200:
		words += fmt.Sprintf(" (%d)", o.EndStatus)
	}
	if o.Type != "" {
		words += " " + o.Type
	}
	if o.Hash != "" {
		words += " " + o.Hash[:min(8, len(o.Hash))]
	}
	return words
}

// WriteCSV writes all differences.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"verdict", "class", "hits", "url", "from", "status_before", "location_before", "status_now", "location_now", "end_now", "end_status_now", "difference"}) // Flush tells
	for i := range r.Differences {
		d := &r.Differences[i]
		before := Outcome{}
		if d.Before != nil {
			before = *d.Before
		}
		_ = c.Write([]string{
			string(d.Verdict), string(d.Class), strconv.FormatInt(d.Hits, 10), d.URL, d.From, number(before.Status), before.Location,
			number(d.Now.Status), d.Now.Location, d.Now.End, number(d.Now.EndStatus), d.String(),
		})
	}
	c.Flush()
	return c.Error()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// The elements of JUnit's XML, as build servers read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes JUnit XML: a suite for each class, in it a failed case for each URL
// that got worse, or one that passed.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "pagemapctl verify"}
	for _, class := range Classes() {
		suite := junitSuite{Name: "verify." + string(class)}
		for i := range r.Differences {
			d := &r.Differences[i]
			if d.Verdict != Worse || d.Class != class {
				continue
			}
			suite.Cases = append(suite.Cases, junitCase{Class: suite.Name, Name: printable(d.URL), Failure: &junitFailure{
				Type: string(class), Message: printable(d.String()), Text: fmt.Sprintf("%d hits, first met in %s", d.Hits, printable(d.From)),
			}})
		}
		suite.Failures = len(suite.Cases)
		if suite.Failures == 0 {
			suite.Cases = []junitCase{{Class: suite.Name, Name: fmt.Sprintf("no URL of %d", r.All.URLs)}}
		}
		suite.Tests = len(suite.Cases)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// printable is s fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
