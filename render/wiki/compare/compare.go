// Package compare tells how much of a page's content another one has: the page that was moved, and what became of it.
//
// # Words
//
// A word is a run of letters, digits and the marks on them, of the text that readers see: no scripts, styles, comments, nor what an
// element says to be hidden by itself. Elements within a line do not end a word, others do. Text is compared in Unicode's
// form NFC, upper and lower case are different, and each Chinese or Japanese character is a word. The score is the share of the old
// page's words, counted as often as they stand there, that the new one has too. A page without words loses none.
//
// # Links, images, headings, ids
//
// Links and images are compared by where they lead, resolved at the page's place, fragments included: what no
// link of the new page leads to any more is lost. Links that show nothing and links to scripts are not looked at.
// Ids are the places that links may lead to.
//
// # Marks
//
// Mark compares the words in their order and wraps those that only one side has. It looks for runs of words that each side has
// exactly once, and compares what lies between them; where that is long and has none, it is
// marked as a whole. So the time grows with the length of the pages, not with its square.
package compare

import (
	"slices"

	"pagemap/render/wiki/convert"
)

// Result is how a new page differs from the old one.
type Result struct {
	Score        float64  `json:"score"` // 0 to 1
	Words        int      `json:"words"` // of the old page
	NewWords     int      `json:"new_words"`
	WordsLost    []string `json:"words_lost"` // as often as they are lost
	WordsAdded   []string `json:"words_added"`
	LinksLost    []string `json:"links_lost"`
	LinksAdded   []string `json:"links_added"`
	ImagesLost   []string `json:"images_lost"`
	HeadingsLost []string `json:"headings_lost"`
	IDsLost      []string `json:"ids_lost"`
}

// Compare compares two pages' contents.
func Compare(old, fresh *Content) Result {
	r := Result{
		Score: 1, Words: len(old.Words), NewWords: len(fresh.Words),
		WordsLost: without(old.Words, fresh.Words), WordsAdded: without(fresh.Words, old.Words),
		LinksLost: without(old.Links, fresh.Links), LinksAdded: without(fresh.Links, old.Links),
		ImagesLost: without(old.Images, fresh.Images), HeadingsLost: without(old.Headings, fresh.Headings),
		IDsLost: without(old.IDs, fresh.IDs),
	}
	if r.Words > 0 {
		r.Score = float64(r.Words-len(r.WordsLost)) / float64(r.Words)
	}
	return r
}

// Fragments compares the HTML of two pages' contents that stand at the same place.
func Fragments(old, fresh string, place convert.Place) (Result, error) {
	o, err := Read(old, place)
	if err != nil {
		return Result{}, err
	}
	f, err := Read(fresh, convert.Place{Path: place.Path, Hosts: place.Hosts})
	if err != nil {
		return Result{}, err
	}
	return Compare(o, f), nil
}

// without are the elements of a, as a multiset, that b does not have: never nil.
func without(a, b []string) []string {
	has := make(map[string]int, len(b))
	for _, s := range b {
		has[s]++
	}
	return slices.DeleteFunc(slices.Clone(append([]string{}, a...)), func(s string) bool {
		if has[s] > 0 {
			has[s]--
			return true
		}
		return false
	})
}
