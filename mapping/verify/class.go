// Class: how an outcome differs from what is expected.

package verify

import (
	"mime"
	"strings"
)

// Class names a difference for the worse.
type Class string

// The classes, as the package comment defines them, the gravest first.
const (
	Lost       Class = "lost"
	Gone       Class = "gone"
	Refused    Class = "refused"
	Failed     Class = "failed"
	Loop       Class = "loop"
	Dead       Class = "dead"
	Chain      Class = "chain"
	Front      Class = "front"
	Away       Class = "away"
	Elsewhere  Class = "elsewhere"
	Target     Class = "target"
	Temporary  Class = "temporary"
	Unmoved    Class = "unmoved"
	Content    Class = "content"
	Type       Class = "type"
	Charset    Class = "charset"
	Forgotten  Class = "forgotten"
	Exposed    Class = "exposed"
	Unexpected Class = "unexpected"
)

// Classes are all classes, the gravest first.
func Classes() []Class {
	return []Class{
		Lost, Gone, Refused, Failed, Loop, Dead, Chain, Front, Away, Elsewhere,
		Target, Temporary, Unmoved, Content, Type, Charset, Forgotten, Exposed, Unexpected,
	}
}

// Verdict says what a difference means.
type Verdict string

// The verdicts.
const (
	Same     Verdict = "same"
	Fine     Verdict = "fine"
	Better   Verdict = "better"
	Worse    Verdict = "worse"
	Accepted Verdict = "accepted" // worse, and of a class that is accepted
)

// judge compares what was expected with what is. The class is "" unless it is Worse.
func judge(e *Expected, now Outcome) (Verdict, Class) {
	verdict, class := compare(e.Target, e.Outcome, now)
	if e.exact && verdict != Worse && (e.Status != 0 && e.Status != now.Status || e.Location != "" && e.Location != now.Location && verdict != Same) {
		return Worse, Unexpected
	}
	return verdict, class
}

// compare is the table of the package comment.
func compare(target string, before, now Outcome) (Verdict, Class) {
	known := before.Status != 0 || before.Error != ""
	worked := !known || before.works()
	switch class := broken(before, now); {
	case class == "":
	case worked, class == Failed && !failed(before), class == Loop && before.Error != errorLoop:
		return Worse, class
	default:
		return stillBroken(before, now)
	}
	if now.Hops > max(1, before.Hops) {
		return Worse, Chain
	}
	switch {
	case !known:
		return comparePage(target, before, now)
	case before.Status == 401 || before.Status == 403:
		return Worse, Exposed
	case !worked:
		return Better, ""
	case redirect(before.Status):
		return compareRedirect(before, now)
	}
	return comparePage(target, before, now)
}

// broken is the class of an outcome that does not work, "" of one that does.
func broken(before, now Outcome) Class {
	switch {
	case now.Error == errorLoop:
		return Loop
	case failed(now):
		return Failed
	case redirect(now.Status) && !now.works():
		return Dead
	case now.works():
		return ""
	case now.Status == 404 && before.Status == 410:
		return Forgotten
	case now.Status == 404:
		return Lost
	case now.Status == 410:
		return Gone
	}
	return Refused
}

// failed reports an error of the server.
func failed(o Outcome) bool {
	return o.Status >= 500 || o.EndStatus >= 500 || o.Error != "" && o.Error != errorLoop
}

// stillBroken compares two outcomes that do not work.
func stillBroken(before, now Outcome) (Verdict, Class) {
	switch {
	case before.Status == 410 && now.Status == 404:
		return Worse, Forgotten
	case before.Status == now.Status && before.Location == now.Location && before.Error == now.Error:
		return Same, ""
	case failed(before) && !failed(now):
		return Better, ""
	}
	return Fine, ""
}

// comparePage compares with a page: what works now is one, or leads to one.
func comparePage(target string, before, now Outcome) (Verdict, Class) {
	if !redirect(now.Status) {
		if class := compareContent(before, now); class != "" {
			return Worse, class
		}
		return Same, ""
	}
	known := before.Hash != "" && now.Hash != ""
	path, _, _ := strings.Cut(target, "?")
	end, _, _ := strings.Cut(now.End, "?")
	switch {
	case now.EndStatus == 0 && before.Status != 0:
		return Worse, Away
	case known && before.Hash == now.Hash:
		if class := compareContent(before, now); class != "" {
			return Worse, class
		}
		return Fine, ""
	case end == "/" && path != "/":
		return Worse, Front
	case known:
		return Worse, Elsewhere
	}
	return Fine, ""
}

// compareContent compares two pages.
func compareContent(before, now Outcome) Class {
	if before.Hash != "" && now.Hash != "" && before.Hash != now.Hash {
		return Content
	}
	if before.Type == "" {
		return ""
	}
	type1, charset1 := mediaType(before.Type)
	type2, charset2 := mediaType(now.Type)
	switch {
	case type1 != type2:
		return Type
	case charset1 != charset2:
		return Charset
	}
	return ""
}

func mediaType(header string) (name, charset string) {
	name, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		name, _, _ = strings.Cut(header, ";")
	}
	return strings.ToLower(strings.TrimSpace(name)), strings.ToLower(parameters["charset"])
}

// compareRedirect compares with a redirect that worked.
func compareRedirect(before, now Outcome) (Verdict, Class) {
	sameContent := before.Hash != "" && before.Hash == now.Hash
	if !redirect(now.Status) {
		if before.Location == "" || sameContent {
			return Fine, ""
		}
		return Worse, Unmoved
	}
	if before.Location != "" && before.Location != now.Location && (fragment(before) != fragment(now) || !sameContent && before.End != now.End) {
		return Worse, Target
	}
	switch {
	case permanent(before.Status) && !permanent(now.Status):
		return Worse, Temporary
	case now.Hops < before.Hops:
		return Better, ""
	case before.Status == now.Status && (before.Location == "" || before.Location == now.Location):
		return Same, ""
	}
	return Fine, ""
}

// fragment is the part of the page that a redirect's location names. That of a
// chain is not known.
func fragment(o Outcome) string {
	_, fragment, _ := strings.Cut(o.Location, "#")
	return fragment
}
