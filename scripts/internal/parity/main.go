// Command parity compares two servers of one file tree: Apache's static handler,
// and pagemap behind Apache. It asks both for every file and directory of the
// tree and for every internal link in its HTML, follows pagemap's redirects, and
// compares status, bytes (identity and gzip), type, language and date.
//
// Each difference belongs to a class of a closed list, which is printed with its
// number and examples, or is unexplained: then the exit code is 1.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pagemap/mapping"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
	}
	os.Exit(code)
}

// run returns the exit code: 0 nothing unexplained, 1 something, 2 wrong use, 3 failed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("parity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("tree", "", "`directory` that both serve")
	plain := flags.String("plain", "", "`host:port` of Apache's static handler")
	stack := flags.String("stack", "", "`host:port` of pagemap")
	connections := flags.Int("connections", 8, "requests at a time")
	examples := flags.Int("examples", 3, "examples printed of each class; of what is unexplained, ten times as many")
	if err := flags.Parse(args); err != nil {
		return 2, nil // flag has printed it
	}
	if *dir == "" || *plain == "" || *stack == "" || flags.NArg() > 0 {
		return 2, errors.New("-tree, -plain and -stack are needed, and nothing else")
	}
	root, err := filepath.EvalSymlinks(*dir)
	if err != nil {
		return 3, err
	}
	c := &comparison{
		tree: tree(root), plain: newSide(*plain, *connections), stack: newSide(*stack, *connections),
		connections: *connections, counts: map[class]int{}, examples: map[class][]string{},
	}
	start := time.Now()
	targets, err := c.tree.targets()
	if err != nil {
		return 3, err
	}
	fmt.Fprintf(stderr, "%d files and directories\n", len(targets))
	seen := map[string]bool{}
	for _, t := range targets {
		seen[t] = true
	}
	linked, err := c.compare(ctx, targets)
	if err != nil {
		return 3, err
	}
	maps.DeleteFunc(linked, func(t string, _ bool) bool { return seen[t] })
	fmt.Fprintf(stderr, "%d further links\n", len(linked))
	if _, err := c.compare(ctx, slices.Sorted(maps.Keys(linked))); err != nil {
		return 3, err
	}
	c.report(stdout, *examples, time.Since(start))
	if c.counts[unexplained] > 0 {
		return 1, nil
	}
	return 0, nil
}

// targets is the URL of every file, directory and symbolic link of the tree.
func (tree tree) targets() ([]string, error) {
	targets := []string{"/"}
	err := filepath.WalkDir(string(tree), func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(tree), name)
		if err != nil || rel == "." {
			return err
		}
		p := string(mapping.PathOfFile(filepath.ToSlash(rel)))
		targets = append(targets, p)
		if e.IsDir() {
			targets = append(targets, p+"/")
		}
		return nil
	})
	return targets, err
}

// comparison is the work and its results.
type comparison struct {
	tree         tree
	plain, stack *side
	connections  int

	mu       sync.Mutex // for what follows
	counts   map[class]int
	examples map[class][]string
}

// compare visits the targets on both sides, and returns every internal link of
// the HTML pages among them.
func (c *comparison) compare(ctx context.Context, targets []string) (map[string]bool, error) {
	linked := map[string]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.connections)
	for _, target := range targets {
		g.Go(func() error {
			var page bytes.Buffer
			v, err := c.visit(ctx, target, &page)
			if err != nil {
				return err
			}
			class, detail := c.tree.judge(v)
			var found []string
			if strings.HasPrefix(v.plain.kind, "text/html") && v.plain.status == 200 {
				if err := links(&page, target, func(to string) { found = append(found, to) }); err != nil {
					return fmt.Errorf("links of %s: %w", target, err)
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.counts[class]++
			if detail != "" {
				target += "  " + detail
			}
			c.examples[class] = append(c.examples[class], target)
			for _, to := range found {
				linked[to] = true
			}
			return nil
		})
	}
	return linked, g.Wait()
}

// maxHops is how many redirects of one visit are followed.
const maxHops = 5

// visit asks both sides, and writes plain Apache's body to page.
func (c *comparison) visit(ctx context.Context, target string, page io.Writer) (visit, error) {
	v := visit{target: target}
	var err error
	if v.plain, err = c.plain.get(ctx, target, "identity", page); err != nil {
		return v, err
	}
	for at := target; ; {
		a, err := c.stack.get(ctx, at, "identity", io.Discard)
		if err != nil {
			return v, err
		}
		if a.status == 200 {
			zipped, err := c.stack.get(ctx, at, "gzip", io.Discard)
			if err != nil {
				return v, err
			}
			a.gzipDiffers = zipped.sum != a.sum
		}
		v.stack = append(v.stack, hop{at, a})
		if !a.redirect() || !strings.HasPrefix(a.location, "/") || len(v.stack) > maxHops || v.plain.redirect() {
			return v, nil
		}
		at = a.location
	}
}

// report prints the classes, and the line that a caller of many trees looks for.
func (c *comparison) report(w io.Writer, examples int, took time.Duration) {
	total := 0
	for _, k := range classes {
		n := c.counts[k.class]
		total += n
		if n == 0 {
			continue
		}
		fmt.Fprintf(w, "%7d  %-11s  %s\n", n, k.class, k.reason)
		show := examples
		switch k.class {
		case same:
			show = 0
		case unexplained:
			show *= 10
		}
		slices.Sort(c.examples[k.class])
		for i, e := range c.examples[k.class] {
			if i == show {
				if show > 0 {
					fmt.Fprintf(w, "         ... and %d more\n", n-show)
				}
				break
			}
			fmt.Fprintf(w, "         %s\n", e)
		}
	}
	fmt.Fprintf(w, "%d requests in %s: %d differences, %d unexplained\n",
		total, took.Round(time.Second), total-c.counts[same], c.counts[unexplained])
}
