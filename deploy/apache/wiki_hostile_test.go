// Hostile pages of a wiki, in a browser.

package apache_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/apachetest"
	"pagemap/deploy/apache/browsertest"
	"pagemap/fcgi/site/sitetest"
	"pagemap/render/wiki/mediawikitest"
)

// guarded is a layout with what content would like to reach: a script that finds elements by their ids, a form, links.
const guarded = `<!DOCTYPE html>
<html lang=en><head><meta charset=utf-8><title><!--pagemap:title--></title><!--pagemap:head-->
<style>#nav { height: 40px; background: #ddd } #content { min-height: 50px }</style></head>
<body><div id=nav><a id=home href="/">Home</a></div>
<table><tr><td id=side>Side</td><td><div id=content><!--pagemap:body select="#content"--></div></td></tr></table>
<form id=search action="/search"><input name=q><button>Search</button></form>
<div id=footer>Footer <!--pagemap:modified format="2006"--></div>
<script>
window.settings = window.settings || { safe: true };
document.body.dataset.seen = [document.getElementById("nav").children.length, document.forms.length, document.forms[0].id, settings.safe, document.cookie,
  document.getElementById("footer").textContent.slice(0, 6), document.body.children.length].join();
</script></body></html>
`

// hostilePages are what a wiki might hold; ran() is there for whatever manages to call it.
var hostilePages = []string{
	`<script>ran("script")</script>`,
	`<scr<script>ipt>ran("split")</scr</script>ipt>`,
	`<script src="/ran.js"></script><img src="/nothing.png" onerror="ran('error')"><img src="/picture.png" onload="ran('load')">`,
	`<b onmouseover="ran(1)" onclick="ran(2)" onfocus="ran(3)" tabindex=0 autofocus>x</b><details open ontoggle="ran(4)"><summary>s</summary>x</details>`,
	`<a href="javascript:ran(1)">one</a> <a href="JaVa&#x09;Script:ran(2)">two</a> <a href=" &#1;javascript:ran(3)">three</a> <a href="data:text/html,<script>opener.ran(4)</script>">four</a>`,
	`<iframe src="javascript:parent.ran(1)"></iframe><iframe srcdoc="<script>parent.ran(2)</script>"></iframe><object data="javascript:ran(3)"></object><embed src="/ran.svg">`,
	`<svg onload="ran(1)"><script>ran(2)</script><a xlink:href="javascript:ran(3)"><text>x</text></a><animate onbegin="ran(4)" attributeName=x dur=1s></svg>`,
	`<svg><style><img src="/nothing.png" onerror="ran(1)"></style></svg><svg><p><style><!--</style><img src="/nothing.png" onerror="ran(2)">-->`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=/nothing.png onerror=ran(1)&gt;">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src="/nothing.png" onerror="ran(1)">`,
	`<noscript><p title="</noscript><img src=/nothing.png onerror=ran(1)>"></noscript>`,
	`<template><script>ran(1)</script></template></template></div></div><p>out`,
	`<style>* { display: none !important }</style><link rel=stylesheet href="/evil.css"><div style="position: fixed; inset: 0; background: red; z-index: 9999">over</div>`,
	`<meta http-equiv=refresh content="0; url=/elsewhere"><base href="/evil/"><title>Evil</title>`,
	`</div></td></tr></table></form></body></html><h1>Out</h1><script>ran(1)</script>`,
	`</div></div></div></table><div id=footer>Mine</div><div id=nav>Mine</div><form id=settings><input name=safe></form><a id=settings name=cookie>x</a><img name=forms src="/picture.png"><img name=getElementById src="/picture.png">`,
	`<table><tr><td><table><td></table></table></table></td></tr><tr><td>next row`,
	`<li>item<dd>definition<td>cell<tr><tbody><caption>x<col>`,
	`<textarea></div><script>ran(1)</script>`,
	`<title></div><script>ran(1)</script>`,
	`<plaintext></div><script>ran(1)</script>`,
	`<xmp></div><script>ran(1)</script></xmp>`,
	`<!-- <script>ran(1)</script>`,
	`<!--><script>ran(1)</script>--><!-- --!><script>ran(2)</script> -->`,
	`<![CDATA[<script>ran(1)</script>]]><?php <script>ran(2)</script> ?>`,
	`<select><option>x</select><button formaction="javascript:ran(1)">x</button><input type=image src="/nothing.png" onerror="ran(2)">`,
	`<b><i><u><a href="/x"><table><td><p><b>never closed`,
	strings.Repeat("<b><i><div>", 100) + "deep",
	`<p class='"><script>ran(1)</script>' title='"><img src=/nothing.png onerror=ran(2)>'>x`,
	"<img src=\"/picture.png\"\x00onload=ran(1)><p \x0conclick=ran(2)>x<a href=\"\x01javascript:ran(3)\">x</a>",
	`<body onload="ran(1)" class=evil><html onclick="ran(2)" lang=xx>`,
	`<frameset onload="ran(1)"><frame src="javascript:ran(2)"></frameset>`,
	`<!--pagemap:body--><!--pagemap:title-->&lt;script&gt;ran(1)&lt;/script&gt;`,
}

// watched takes note of whatever runs: of calls of ran, and of what would interrupt the reader.
const watched = `window.runs = [];
window.ran = what => runs.push("ran " + what);
for (const name of ["alert", "confirm", "prompt", "open", "print"]) window[name] = what => runs.push(name + " " + what);`

// around gives each element of the content all that a reader does, and returns what has run, what of the
// content could run, the page without its content, and what stands where the layout has its parts.
const around = `(async () => {
	const region = document.querySelector("#content");
	document.addEventListener("click", e => e.preventDefault(), true);
	for (const e of region.querySelectorAll("*"))
		for (const type of ["mouseover", "mouseenter", "click", "dblclick", "focus", "blur", "keydown", "toggle", "load", "error", "animationstart"])
			e.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
	await new Promise(done => setTimeout(done, 50));
	const bad = [];
	for (const e of region.querySelectorAll("*")) {
		if (!(e instanceof HTMLElement) || /^(SCRIPT|STYLE|IFRAME|OBJECT|EMBED|FORM|TEXTAREA|SELECT|BUTTON|LINK|META|BASE|TEMPLATE)$/.test(e.tagName)) bad.push(e.tagName);
		for (const a of e.attributes) if (/^on|^style$|^srcdoc$|action$/i.test(a.name)) bad.push(e.tagName + " " + a.name);
		for (const u of [e.href, e.src]) if (u && !/^(https?|mailto):/.test(u)) bad.push(e.tagName + " " + u);
	}
	const places = ["nav", "side", "search", "footer"].map(id => {
		const all = document.querySelectorAll("[id='" + id + "']"), place = all[0];
		place.scrollIntoView();
		const box = place.getBoundingClientRect(), top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
		return all.length + " " + id + " " + (place === top || place.contains(top)) + " " + getComputedStyle(place).display;
	});
	const rest = document.documentElement.cloneNode(true);
	rest.querySelector("#content").replaceChildren();
	rest.querySelector("title").textContent = "";
	rest.querySelector("link[rel=canonical]").removeAttribute("href");
	return JSON.stringify({ runs, bad, rest: rest.outerHTML, places: places.join("; "), path: location.pathname });
})()`

// surroundings is what around returns.
type surroundings struct {
	Runs, Bad          []string
	Rest, Places, Path string
}

// surround opens a page as a reader with a curious hand.
func surround(t *testing.T, tab *browsertest.Tab, url string) surroundings {
	t.Helper()
	if status := tab.Open(url); status != 200 {
		t.Fatalf("%s: status %d", url, status)
	}
	var s surroundings
	if err := json.Unmarshal([]byte(browsertest.Get(tab, chromedp.Evaluate[string](around, chromedp.EvalAwaitPromise))), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWikiHostile: whatever a page of the wiki holds, nothing of it runs, and the page around it is what it is around
// a harmless one.
func TestWikiHostile(t *testing.T) {
	for _, far := range []bool{false, true} {
		name := "directory"
		if far {
			name = "MediaWiki"
		}
		t.Run(name, func(t *testing.T) { testWikiHostile(t, far) })
	}
}

func testWikiHostile(t *testing.T, far bool) {
	pages, more := slices.Concat([]string{"<p>A harmless page.</p>"}, hostilePages), map[string]string{}
	world := &sitetest.World{Dir: apachetest.Dir(t)}
	write(t, filepath.Join(world.Dir, "ran.js"), "ran('file')")
	write(t, filepath.Join(world.Dir, "picture.png"), "no picture")
	put := func(name, text string) {}
	if far { // one that shows HTML as its authors write it, as if somebody had taken it over
		mw := mediawikitest.Start(t, mediawikitest.Options{Settings: "$wgRawHtml = true;\n"})
		more["wiki"] = "mediawiki+" + mw.API()
		var all strings.Builder
		for i, text := range pages {
			if i > 0 && !strings.ContainsAny(text, "\x00\x01\x0c") {
				all.WriteString(text + "\n")
			}
		}
		pages = []string{pages[0], pages[1], pages[5], pages[15], pages[16], all.String()}
		put = func(name, text string) { mw.Write(name, "<html>"+text+"</html>") }
	}
	for i := range pages {
		world.Pages = append(world.Pages, wikiRow(fmt.Sprintf("/wiki/%d.html", i), fmt.Sprintf("Page %d", i)))
	}
	s := upWiki(t, world, more)
	if !far {
		put = func(name, text string) { write(t, filepath.Join(s.wiki, name+".html"), text) }
	}
	write(t, filepath.Join(s.looks, "layout.html"), guarded)
	for i, text := range pages {
		put(fmt.Sprintf("Page %d", i), text)
	}
	eventually(t, apacheWait, "the layout", func() bool { return strings.Contains(get(t, s.Addr, "GET", "/wiki/0.html").body, "id=footer") })

	tab := browsertest.Start(t).Tab(t, browsertest.View{})
	tab.Inject(watched)
	want := surround(t, tab, s.URL+"/wiki/0.html")
	t.Logf("%s", want.Places)
	for i, text := range pages {
		target := fmt.Sprintf("/wiki/%d.html", i)
		got := surround(t, tab, s.URL+target)
		if len(got.Runs) > 0 || len(got.Bad) > 0 {
			t.Errorf("%.200q: ran %q, could run %q", text, got.Runs, got.Bad)
		}
		if got.Path != target {
			t.Errorf("%.200q leads to %s", text, got.Path)
		}
		if got.Rest != want.Rest || got.Places != want.Places {
			t.Errorf("%.200q: around it is\n%s\n%s\nwant\n%s\n%s", text, got.Places, got.Rest, want.Places, want.Rest)
		}
		for _, e := range tab.Errors() {
			if !strings.Contains(e, "status of 404") { // of pictures
				t.Errorf("%.200q: the browser says %s", text, e)
			}
		}
	}
}
