// A fuzz test of pages.

package look

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzReadPage(f *testing.F) {
	for _, page := range []string{
		"<html><head><title>a</title></head><body><div id=c>x<p>y</div></body></html>", "<table><tr><td id=c>b<td>c", "<b>1<p id=c>2</b>3</p>4",
		"<div id=c><svg><style>a<g></style><![CDATA[ <x> ]]></svg></div>", "<select><option id=c>x<script></select>", "<div id=c><textarea></div>",
		"<meta charset=shift_jis><div id=c>\x83\x5c</div>", "<frameset id=c><frame></frameset>", "<p><table id=c>x<tr></table>", "<form id=c><form></form>x</form>",
		"<div id=c><!--pagemap:body--></div>", "<plaintext id=c>x</plaintext>", "<math><mi id=c>x</mi></math>", "<template id=c><td>x</template>",
	} {
		for _, contentType := range []string{"", "text/html; charset=iso-2022-jp", "text/html; charset=utf-16le", "text/html; charset=euc-kr"} {
			f.Add([]byte(page), contentType, "#c")
		}
	}
	f.Fuzz(func(t *testing.T, page []byte, contentType, selector string) {
		p, err := ReadPage(page, contentType)
		if err != nil {
			return
		}
		p.Title()
		r, err := p.Region(selector)
		if err != nil {
			return
		}
		if r.Start < 0 || r.End < r.Start || r.End > len(page) {
			t.Fatalf("region %d to %d of %d bytes", r.Start, r.End, len(page))
		}
		if p.offsets == nil && strings.ToValidUTF8(string(page[r.Start:r.End]), "\uFFFD") != r.HTML {
			t.Errorf("region %q is %q", page[r.Start:r.End], r.HTML)
		}
		layout, err := Derive(p, selector)
		if err != nil {
			return
		}
		l, err := Parse("derived", layout)
		if err != nil {
			t.Fatalf("a derived layout is refused: %v", err)
		}
		if l.Charset() != p.Charset() || l.Selector() != selector {
			t.Errorf("layout in %s for %q, page in %s for %q", l.Charset(), l.Selector(), p.Charset(), selector)
		}
		if !bytes.HasSuffix(layout, page[r.End:]) && !bytes.Contains(page[r.End:], []byte("<")) {
			t.Errorf("the end %q is not in the layout %q", page[r.End:], layout)
		}
	})
}
