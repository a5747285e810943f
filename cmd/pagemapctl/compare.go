// compare: an old page and what became of it, side by side.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/moving"
	"pagemap/mapping"
	"pagemap/render/wiki/compare"
)

func (a *app) compare() *cobra.Command {
	var o moveOptions
	var out string
	cmd := &cobra.Command{
		Use:   "compare PATH",
		Short: "Show an old page and the wiki's page side by side, differences marked",
		Long: `compare writes one HTML page that shows the old page, from the file in the tree,
next to what the wiki has for it, both in their look, with the words, links and images
marked that only one of them has. Nothing in that page runs or loads anything.

The wiki's page is the row's, or --to, or the one that move would make. Where the wiki
has none yet, it is shown as move would write it.`,
		Example: `  pagemapctl compare /about.html -o about-compared.html
  pagemapctl compare /docs/a.html --to wiki:docs/A > compared.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.newMover(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer m.close()
			page, r, err := m.comparison(cmd.Context(), args[0])
			var no *moving.Refusal
			if errors.As(err, &no) {
				return &exitError{exitFound, fmt.Errorf("%s: %w", args[0], err)}
			}
			if err != nil {
				return err
			}
			if out == "" {
				_, err = a.out.Write(page)
				return err
			}
			if err := os.WriteFile(out, page, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: %.1f %% of %d words kept\n", out, 100*r.Score, r.Words)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "the page's `NAME` in the wiki, such as wiki:About")
	cmd.Flags().StringVar(&o.content, "content", "", "CSS `SELECTOR` of the element that holds the old page's content; empty: what the layout was derived with")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `FILE`; empty: to standard output")
	return cmd
}

// comparison is the page that compare writes.
func (m *mover) comparison(ctx context.Context, arg string) ([]byte, compare.Result, error) {
	c, err := m.named(ctx, arg)
	if err != nil {
		return nil, compare.Result{}, err
	}
	ref, name := c.source.Ref, strings.TrimPrefix(m.o.to, "wiki:")
	if c.source.Kind == mapping.SourceWiki {
		if name == "" {
			name = c.source.Ref
		}
		ref = m.tree.FileAt(c.path)
	} else if name == "" {
		if name, err = moving.Name(c.path); err != nil {
			return nil, compare.Result{}, err
		}
	}
	both, err := m.converter.Compare(ctx, c.path, ref, name)
	if err != nil {
		return nil, compare.Result{}, err
	}
	page, err := both.HTML(ctx)
	return page, both.Result, err
}
