// look derive: a layout, made from an old page.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/moving"
	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render/look"
)

// deriveOptions are look derive's flags.
type deriveOptions struct {
	from     []string
	content  string
	out      string
	compare  int
	absolute bool
	keep     bool
	force    bool
	asJSON   bool
}

func (a *app) lookDerive() *cobra.Command {
	var o deriveOptions
	cmd := &cobra.Command{
		Use:   "derive --from PATH",
		Short: "Make a layout from an old page",
		Long: `derive makes a layout of a page of the tree: in place of the content it puts the mark
for it, in place of the page's own part of <title> the mark of the title, and before
</head> the mark for what pages add there. All other bytes stay as they are, in the
page's charset, with these exceptions:

  - Out of the head it takes what speaks of this page alone: <link> with rel canonical,
    prev, next, or alternate with hreflang; <meta> with name description or keywords,
    or property og:title, og:description or og:url. --keep leaves them in.
  - With --absolute, relative URLs become paths from the root. Without, a layout with
    relative URLs is right for pages in the same directory as the old one alone: put it there.

--content is a CSS selector that matches one element, whose inside is the content. Without it,
pages are compared: what most of them have is the look, and what is left the content. Proposals are
printed, and the best one is taken only if it has at least 95 % of the differences, and leaves
out at least a fifth of the look.

The pages compared are those named by further --from, and --compare pages of the same
directory. What stands outside of the content and is not in all of them is
listed with its line: it would show on every page that is drawn in this layout.

The exit code is 1 if no content is found. A layout that is there and differs stays as it
is, unless --force is given.`,
		Example: `  pagemapctl look derive --from /about.html --content '#content'
  pagemapctl look derive --from /docs/install.html --out looks/docs/layout.html
  pagemapctl look derive --from /a.html,/b/c.html --absolute --out - > layout.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.from) == 0 {
				return usagef("which page? Name one with --from")
			}
			if o.out == "" && a.settings.Looks == "" {
				return usagef("where to? Name a file with --out (- for standard output), or set --looks (PAGEMAP_LOOKS, or \"looks = ...\" in the settings file)")
			}
			if o.out == "" {
				o.out = filepath.Join(a.settings.Looks, "layout.html")
			}
			return a.runDerive(cmd.Context(), o)
		},
	}
	cmd.Flags().StringSliceVar(&o.from, "from", nil, "`PATHS` of old pages; the layout is made of the first")
	cmd.Flags().StringVar(&o.content, "content", "", "CSS `SELECTOR` of the content")
	cmd.Flags().StringVar(&o.out, "out", "", "`FILE` of the layout, - for standard output; layout.html of --looks if not given")
	cmd.Flags().IntVar(&o.compare, "compare", 5, "compare with `N` further pages of the directory")
	cmd.Flags().BoolVar(&o.absolute, "absolute", false, "make relative URLs paths from the root")
	cmd.Flags().BoolVar(&o.keep, "keep", false, "keep what the head says of this page alone")
	cmd.Flags().BoolVar(&o.force, "force", false, "write over a layout that differs")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "write the report as JSON")
	return cmd
}

// deriveReport tells what look derive did.
type deriveReport struct {
	Page        string            `json:"page"`
	Selector    string            `json:"selector"` // "" where no content was found
	Charset     string            `json:"charset"`
	File        string            `json:"file"`
	Written     bool              `json:"written"`     // false where the file is as it was
	Compared    []string          `json:"compared"`    // pages
	Proposals   []look.Proposal   `json:"proposals"`   // without --content
	Removed     []look.Passage    `json:"removed"`     // of the head
	Relative    []look.Passage    `json:"relative"`    // tags with relative URLs
	Differences []look.Difference `json:"differences"` // between the pages, outside of the content
}

func (a *app) runDerive(ctx context.Context, o deriveOptions) error {
	t, err := a.pageTree()
	if err != nil {
		return err
	}
	defer t.Files.Close()
	given, err := paths("from", o.from)
	if err != nil {
		return err
	}
	pages := make([]*look.Page, len(given))
	for i, p := range given {
		if pages[i], err = t.Read(ctx, p); err != nil {
			return err
		}
	}
	near, err := near(ctx, t, given, o.compare)
	if err != nil {
		return err
	}
	report := &deriveReport{
		Page: string(given[0]), Selector: o.content, Charset: pages[0].Charset(), File: o.out,
		Compared: []string{}, Proposals: []look.Proposal{}, Removed: []look.Passage{}, Relative: []look.Passage{}, Differences: []look.Difference{},
	}
	for i, p := range near {
		page, err := t.Read(ctx, p)
		if err != nil {
			continue // it was not asked for
		}
		if _, err := page.Region(o.content); o.content != "" && err != nil {
			continue // of another look
		}
		given, pages = append(given, near[i]), append(pages, page)
	}
	for _, p := range given[1:] {
		report.Compared = append(report.Compared, string(p))
	}
	if o.content == "" {
		if pages, err = report.propose(pages); err != nil {
			return fmt.Errorf("%w; name the content with --content, or more pages with --from", err)
		}
	}
	var layout []byte
	if report.Selector != "" {
		if layout, err = report.derive(pages, o); err != nil {
			return fmt.Errorf("%s: %w", given[0], err)
		}
		if report.Written, err = a.putLayout(o, layout); err != nil {
			return err
		}
	}
	if err := a.tellDerived(report, o); err != nil {
		return err
	}
	if report.Selector == "" {
		return &exitError{exitFound, errors.New("it is not clear which element has the content: name it with --content, or more pages with --from")}
	}
	return nil
}

// propose finds the content and returns the pages that have it.
func (r *deriveReport) propose(pages []*look.Page) ([]*look.Page, error) {
	proposals, err := look.Propose(pages)
	if err != nil {
		return nil, err
	}
	r.Proposals = append(r.Proposals, proposals...)
	if len(proposals) == 0 || !proposals[0].Clear() {
		return pages, nil
	}
	r.Selector = proposals[0].Selector
	compared := r.Compared
	of := pages[:1:1]
	r.Compared = []string{}
	for i, p := range pages[1:] {
		if _, err := p.Region(r.Selector); err == nil {
			of, r.Compared = append(of, p), append(r.Compared, compared[i])
		}
	}
	return of, nil
}

// derive makes the layout of the first page.
func (r *deriveReport) derive(pages []*look.Page, o deriveOptions) ([]byte, error) {
	do := look.DeriveOptions{Selector: r.Selector, Keep: o.keep, Others: pages[1:]}
	if o.absolute {
		do.Base = mapping.Path(r.Page)
	}
	derived, err := look.DeriveWith(pages[0], do)
	if err != nil {
		return nil, err
	}
	differences, err := look.Differences(pages[0], r.Selector, pages[1:])
	if err != nil {
		return nil, err
	}
	r.Removed = append(r.Removed, derived.Removed...)
	r.Relative = append(r.Relative, derived.Relative...)
	r.Differences = append(r.Differences, differences...)
	return derived.Layout, nil
}

// putLayout writes the layout where it belongs, and reports whether something changed.
func (a *app) putLayout(o deriveOptions, layout []byte) (bool, error) {
	if o.out == "-" {
		_, err := a.out.Write(layout)
		return true, err
	}
	switch there, err := os.ReadFile(o.out); {
	case err == nil && bytes.Equal(there, layout):
		return false, nil
	case err == nil && !o.force:
		return false, fmt.Errorf("%s is there and differs: --force writes over it, --out names another file", o.out)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	dir := filepath.Dir(o.out)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, ".layout-*")
	if err != nil {
		return false, err
	}
	_, err = f.Write(layout)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), o.out)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err == nil, err
}

// tellDerived writes the report; beside a layout on standard output, to standard error.
func (a *app) tellDerived(r *deriveReport, o deriveOptions) error {
	out := a.out
	if o.out == "-" {
		out = a.err
	}
	if o.asJSON {
		return writeJSON(out, r)
	}
	r.print(out, o)
	return nil
}

func (r *deriveReport) print(out io.Writer, o deriveOptions) {
	for _, p := range r.Proposals {
		fmt.Fprintf(out, "proposed: %s (line %d) has %.0f %% of what differs, and leaves out %.0f %% of the look\n", p.Selector, p.Line, 100*p.Content, 100*p.Look)
	}
	if r.Selector == "" {
		return
	}
	switch {
	case o.out == "-":
	case r.Written:
		fmt.Fprintf(out, "%s: written, of %s in %s, content %s\n", r.File, r.Page, r.Charset, r.Selector)
	default:
		fmt.Fprintf(out, "%s: is already that of %s, content %s\n", r.File, r.Page, r.Selector)
	}
	list := func(passages []look.Passage, most int) {
		for i, p := range passages {
			if i == most {
				fmt.Fprintf(out, "  and %d more\n", len(passages)-most)
				break
			}
			fmt.Fprintf(out, "  line %d: %s\n", p.Line, p.Text)
		}
	}
	if len(r.Removed) > 0 {
		fmt.Fprintf(out, "taken out, as it speaks of %s alone:\n", r.Page)
		list(r.Removed, len(r.Removed))
	}
	if len(r.Relative) > 0 {
		fmt.Fprintf(out, "%d tags have relative URLs, which are right for pages in %s alone (--absolute makes them paths from the root):\n", len(r.Relative), directoryOf(mapping.Path(r.Page)))
		list(r.Relative, 3)
	}
	if len(r.Differences) > 0 {
		fmt.Fprintf(out, "these are of %s, and not of all of the %d pages compared; look whether they should stay:\n", r.Page, len(r.Compared))
		for _, d := range r.Differences {
			fmt.Fprintf(out, "  line %d: %s (%d lack it)\n", d.Line, d.Text, d.Lacking)
		}
	}
}

// pageTree reads pages of the tree. Close its files.
func (a *app) pageTree() (*moving.Tree, error) {
	files, err := a.tree()
	if err != nil {
		return nil, err
	}
	t, err := moving.NewTree(files, a.settings)
	if err != nil {
		files.Close()
		return nil, err
	}
	return t, nil
}

// directoryOf is the directory that the relative URLs of a page start from.
func directoryOf(p mapping.Path) string { return string(p[:strings.LastIndexByte(string(p), '/')+1]) }

// near are n HTML pages from the directory of the first page, spread evenly over it, without those given.
func near(ctx context.Context, t *moving.Tree, given []mapping.Path, n int) ([]mapping.Path, error) {
	var all []mapping.Path
	dir := directoryOf(given[0])
	err := t.Files.Walk(ctx, func(it tree.Item) error {
		if it.Kind == tree.Served && it.Path != "" && directoryOf(it.Path) == dir && it.Path != mapping.Path(dir) &&
			t.Types.Media(path.Base(string(it.File))).Type == "text/html" && !slices.Contains(given, it.Path) {
			all = append(all, it.Path)
		}
		return nil
	})
	if err != nil || len(all) <= n {
		return all, err
	}
	some := make([]mapping.Path, max(n, 0))
	for i := range some {
		some[i] = all[(2*i+1)*len(all)/(2*n)]
	}
	return some, nil
}
