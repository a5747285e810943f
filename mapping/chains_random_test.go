package mapping

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRandomChains resolves every path of 10,000 random tables of redirects, most
// of them with loops and long chains, and compares with the rules taken by
// themselves: one hop to the chain's end, 301 only if every row on the way is one,
// the end's own status where that is no page, 404 for a loop and for more than
// MaxHops, and the time of the youngest redirect.
func TestRandomChains(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 2026))
	met := map[string]int{}
	for range 10000 {
		rows := randomChains(random)
		r := Resolver{Rows: NewTable(maps.Values(rows)), Hosts: testHosts, IndexNames: []string{"index.html"}}
		for _, path := range slices.Sorted(maps.Keys(rows)) {
			query := []string{"", "q=1&r"}[random.IntN(2)]
			a := r.Resolve(Target{Path: Path(path), Query: query, HasQuery: query != "", Clean: true})
			got := short(a)
			want, changed, how := expectChain(rows, path, query)
			met[how]++
			if got != want || how != "page" && a.Flag == FlagNone && a.Changed != changed {
				for _, row := range rows {
					t.Logf("%s %s", row.Pattern, describe(row))
				}
				t.Fatalf("%s?%s: %s changed %d, want %s changed %d (%s)", path, query, got, a.Changed, want, changed, how)
			}
		}
	}
	for _, how := range []string{"page", "one hop", "chain", "loop", "too deep", "gone", "missing", "nothing", "away", "longest"} {
		if met[how] < 100 {
			t.Errorf("%d of the answers are %q: the tables are not random enough: %v", met[how], how, met)
		}
	}
}

// randomChains are 2 to 20 rows, most of which redirect to another one.
func randomChains(random *rand.Rand) map[string]Row {
	n := 2 + random.IntN(19)
	inOrder := random.IntN(2) == 0 // long chains rather than short ones
	rows := map[string]Row{}
	for i := range n {
		row := Row{Pattern: fmt.Sprintf("/n%d", i), Origin: OriginCLI, Changed: int64(1 + random.IntN(1000))}
		to := random.IntN(n)
		if inOrder && random.IntN(20) > 0 {
			to = (i + 1) % n
		}
		switch k := random.IntN(40); {
		case k == 0:
			row.Status, row.Source = 200, "wiki:End"
		case k == 1:
			row.Status = 404
		case k == 2:
			row.Status = 410
		case k == 3:
			row.Status, row.Source = 302, "https://other.example/x"
		case k == 4:
			row.Status, row.Source = 301, "/nowhere"
		default:
			row.Status, row.Source = 301, fmt.Sprintf("/n%d", to)
			if k < 8 {
				row.Status = 302
			}
			if k == 9 {
				row.Source = "https://www.example.org" + row.Source // the site's own host
			}
		}
		rows[row.Pattern] = row
	}
	return rows
}

// expectChain is what a path answers by the rules, with the time of the youngest
// redirect, and how it came about.
func expectChain(rows map[string]Row, path, query string) (answer string, changed int64, how string) {
	status, seen, at := 301, map[string]bool{path: true}, path
	end := func(location string) string {
		if query != "" {
			location += "?" + query
		}
		return fmt.Sprint(status, " ", location)
	}
	for hops := 0; ; hops++ {
		row, ok := rows[at]
		switch {
		case !ok:
			return end(at), changed, "nothing"
		case row.Status == 200 && hops == 0:
			return "200 wiki:End", 0, "page"
		case row.Status == 200:
			return end(at), changed, map[bool]string{true: "longest", false: map[bool]string{true: "one hop", false: "chain"}[hops == 1]}[hops == MaxHops]
		}
		changed = max(changed, row.Changed)
		switch {
		case row.Status == 410:
			return "410", changed, "gone"
		case row.Status == 404:
			return "404", changed, "missing"
		case hops == MaxHops:
			return "404 flag too deep", 0, "too deep"
		}
		if row.Status == 302 {
			status = 302
		}
		target := testHosts.SitePath(row.Source)
		if target[0] != '/' {
			return end(target), changed, "away"
		}
		if seen[target] {
			return "404 flag loop", 0, "loop"
		}
		seen[target] = true
		at = target
	}
}
