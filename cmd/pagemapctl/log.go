// log: who changed what, and why.

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

// setJSON is a change-set in JSON.
type setJSON struct {
	ChangeSet int64            `json:"change_set"`
	At        time.Time        `json:"at"`
	Author    string           `json:"author"`
	Origin    string           `json:"origin"`
	Note      string           `json:"note"`
	Added     int              `json:"added"`
	Changed   int              `json:"changed"`
	Removed   int              `json:"removed"`
	Changes   []differenceJSON `json:"changes,omitempty"` // of a set that was asked for
}

func toSetJSON(s postgres.LoggedSet) setJSON {
	return setJSON{s.ID, s.At.UTC(), s.Author, s.Origin.String(), s.Note, s.Added, s.Changed, s.Removed, nil}
}

func (s *setJSON) String() string {
	note := strings.Join(strings.Fields(s.Note), " ")
	return strings.TrimRight(fmt.Sprintf("%d\t%s\t%s\t%s\t+%d ~%d -%d\t%s", s.ChangeSet, s.At.Format(time.RFC3339), s.Author, s.Origin, s.Added, s.Changed, s.Removed, note), "\t")
}

func (a *app) logCmd() *cobra.Command {
	var f postgres.HistoryFilter
	var path, since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "log [N]",
		Short: "Show change-sets, or what one of them changed",
		Long: `log lists change-sets, the youngest first: number, time, author, origin, rows added,
changed and removed, and note, separated by tabs. With the number of one it shows
each row as it was and became.

Exit codes: 1 there is none such.`,
		Example: `  pagemapctl log
  pagemapctl log 17
  pagemapctl log --path /about.html
  pagemapctl log --author maria --since 2026-03-01 --limit 100`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				for _, name := range []string{"path", "author", "since", "limit", "before"} {
					if cmd.Flags().Changed(name) {
						return usagef("--%s is for lists of change-sets, not for one", name)
					}
				}
				return a.logOne(cmd, args[0], asJSON)
			}
			err := atLeast(0, map[string]int{"limit": f.Limit, "before": int(f.Before)})
			if err != nil {
				return err
			}
			if path != "" {
				patterns, err := a.patterns([]string{path})
				if err != nil {
					return err
				}
				f.Pattern = patterns[0]
			}
			if f.Since, err = parseSince(since, time.Now()); err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			sets, err := db.History(cmd.Context(), f)
			if err != nil {
				return err
			}
			list := make([]setJSON, len(sets))
			for i, s := range sets {
				list[i] = toSetJSON(s)
			}
			if asJSON {
				err = writeJSON(a.out, list)
			} else {
				for _, s := range list {
					fmt.Fprintln(a.out, s.String())
				}
			}
			if err == nil && len(sets) == 0 {
				return &exitError{code: exitFound}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&path, "path", "", "only change-sets that changed the row of this `PATH`")
	cmd.Flags().StringVar(&f.Author, "author", "", "only change-sets of this `AUTHOR`")
	cmd.Flags().StringVar(&since, "since", "", "only change-sets since this `TIME`: 2026-03-01, 2026-03-01T12:00:00Z, 12h or 7d")
	cmd.Flags().Int64Var(&f.Before, "before", 0, "only change-sets before the one of this `NUMBER`")
	cmd.Flags().IntVar(&f.Limit, "limit", 20, "at most `N` change-sets; 0: all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (a *app) logOne(cmd *cobra.Command, number string, asJSON bool) error {
	id, err := parseChangeSet(number)
	if err != nil {
		return err
	}
	db, err := a.pages(cmd.Context())
	if err != nil {
		return err
	}
	defer db.Close()
	set, err := db.ChangeSet(cmd.Context(), id)
	if errors.Is(err, postgres.ErrNoChangeSet) {
		return &exitError{exitFound, err}
	}
	if err != nil {
		return err
	}
	out := toSetJSON(set)
	if !asJSON {
		fmt.Fprintln(a.out, out.String())
	}
	for c, err := range db.Changes(cmd.Context(), id) {
		if err != nil {
			return err
		}
		if asJSON {
			out.Changes = append(out.Changes, differenceJSON{c.Pattern, toSideJSON(c.Old), toSideJSON(c.New)})
		} else if _, err := fmt.Fprintln(a.out, "  "+intake.DifferenceLine(c.Pattern, c.Old, c.New)); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(a.out, out)
	}
	return nil
}

func parseChangeSet(number string) (int64, error) {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id <= 0 {
		return 0, usagef("%q is no number of a change-set: pagemapctl log lists them", number)
	}
	return id, nil
}

// parseSince is the time that a person means; "" is the zero time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usagef("--since %q is neither a date (2026-03-01), a time (2026-03-01T12:00:00Z) nor a span (12h, 7d)", text)
}

// parseOrigins are origins by name; "made" is all that persons and imports make.
func parseOrigins(flag string, names []string) ([]mapping.Origin, error) {
	var origins []mapping.Origin
	for _, name := range names {
		if name == "made" {
			origins = append(origins, mapping.OriginImport, mapping.OriginAdmin, mapping.OriginCLI)
			continue
		}
		o, err := mapping.ParseOrigin(name)
		if err != nil {
			return nil, usagef("%s %s: %w", flag, name, err)
		}
		origins = append(origins, o)
	}
	return origins, nil
}
