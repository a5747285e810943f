// Package browsertest opens pages in a real, headless Chromium for tests: one process for
// each Browser, with a profile of its own, ended with the test. It looks only at what it is
// told to: every host but the loopback interface is unreachable for it.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// patience bounds what a test does in one tab.
const patience = 90 * time.Second

// programs are the names that Chromium goes by.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// Browser is a running Chromium.
type Browser struct{ ctx context.Context }

// Start starts a browser. Without an installed Chromium the test is skipped; in CI it fails. hosts
// are names that lead to 127.0.0.1.
func Start(t testing.TB, hosts ...string) *Browser {
	t.Helper()
	var program string
	for _, name := range programs {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		missing(t, "Chromium is not installed (Debian: apt-get install chromium)")
	}
	rules := "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
	for _, host := range hosts {
		rules = "MAP " + host + " 127.0.0.1, " + rules
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("host-resolver-rules", rules),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("font-render-hinting", "none"), // glyphs alike on every machine
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with it
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if _, err := chromedp.Run(ctx, chromedp.Title()); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx}
}

// missing skips the test, or fails it in CI.
func missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// View says how a page is looked at. The zero value is a light page, 1280 by 900, with JavaScript.
type View struct {
	Width, Height int64 // CSS pixels
	Dark          bool  // prefers-color-scheme
	NoScript      bool  // JavaScript is off
}

// Tab is a page of the browser. What it logs as an error, and what its scripts throw, is kept.
type Tab struct {
	t    testing.TB
	ctx  context.Context
	view View

	mu     sync.Mutex
	errors []string
}

// Tab opens a tab with cookies and storage that it shares with no other; it is closed when t ends.
func (b *Browser) Tab(t testing.TB, v View) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	tab := &Tab{t: t}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	var end context.CancelFunc
	tab.ctx, end = context.WithTimeout(ctx, patience)
	t.Cleanup(end)
	if v.Width == 0 {
		v.Width = 1280
	}
	if v.Height == 0 {
		v.Height = 900
	}
	tab.view = v
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	call(tab, log.Enable, cdp.Empty{})
	call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript})
	call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	tab.Do(chromedp.EmulateViewport(v.Width, v.Height))
	return tab
}

// hear keeps the errors of a page.
func (tab *Tab) hear(event any) {
	var text string
	switch e := event.(type) {
	case *cdpruntime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError {
			return
		}
		text = fmt.Sprintf("%s (%s)", e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.errors = append(tab.errors, text)
}

// call sends a command of the browser's protocol.
func call[P, R any](tab *Tab, command cdp.Command[P, R], params P) {
	tab.t.Helper()
	if _, err := chromedp.Call(tab.ctx, command, params); err != nil {
		tab.t.Fatalf("%+v: %v", params, err)
	}
}

// Do does the steps, one after another; a failure ends the test.
func (tab *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, steps...); err != nil {
		tab.t.Fatal(err)
	}
}

// Get returns what an action tells; a failure ends the test.
func Get[T any](tab *Tab, action chromedp.Action[T]) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, action)
	if err != nil {
		tab.t.Fatal(err)
	}
	return value
}

// Open goes to a URL, waits until the page is loaded, and returns its status.
func (tab *Tab) Open(url string) int {
	tab.t.Helper()
	response, err := chromedp.Run(tab.ctx, chromedp.NavigateResponse(url))
	if err != nil {
		tab.t.Fatalf("open %s: %v", url, err)
	}
	return int(response.Status)
}

// Go does steps that lead to another page, waits until that is loaded, and returns its status.
func (tab *Tab) Go(steps ...chromedp.Action[chromedp.Void]) int {
	tab.t.Helper()
	response, err := chromedp.RunResponse(tab.ctx, steps...)
	if err != nil {
		tab.t.Fatal(err)
	}
	return int(response.Status)
}

// Download does steps that lead to a file, waits until it is there, and returns its name and content.
func (tab *Tab) Download(steps ...chromedp.Action[chromedp.Void]) (name string, content []byte) {
	tab.t.Helper()
	own, err := chromedp.Call(tab.ctx, target.GetTargetInfo, target.GetTargetInfoParams{})
	if err != nil {
		tab.t.Fatal(err)
	}
	dir := tab.t.TempDir()
	call(tab, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, BrowserContextID: own.TargetInfo.BrowserContextID, DownloadPath: dir,
	})
	tab.Do(steps...)
	for tab.ctx.Err() == nil {
		files, err := os.ReadDir(dir)
		if err != nil {
			tab.t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".crdownload") || strings.HasPrefix(f.Name(), ".") { // not all of it yet
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				tab.t.Fatal(err)
			}
			return f.Name(), content
		}
		time.Sleep(20 * time.Millisecond)
	}
	tab.t.Fatal("nothing was downloaded")
	return "", nil
}

// Show shows HTML in place of the page that is open.
func (tab *Tab) Show(html string) {
	tab.t.Helper()
	tree, err := chromedp.Call(tab.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		tab.t.Fatal(err)
	}
	call(tab, page.SetDocumentContent, page.SetDocumentContentParams{FrameID: tree.FrameTree.Frame.ID, HTML: html})
}

// Inject runs a script in every page that the tab opens from now on, before the page's own.
func (tab *Tab) Inject(script string) {
	tab.t.Helper()
	call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// Text is the visible text of the first element that matches a CSS selector.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	return strings.TrimSpace(Get(tab, chromedp.Text(chromedp.CSS(selector))))
}

// Errors returns what went wrong on the tab's pages since the last call: messages of the console at the
// level error, violated policies among them, and exceptions of scripts.
func (tab *Tab) Errors() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	errors := tab.errors
	tab.errors = nil
	return errors
}

// Screenshot returns the whole page as a PNG. The view becomes as high as the page meanwhile: frames of other
// processes, as sandboxed ones are, are painted in the view alone.
func (tab *Tab) Screenshot() []byte {
	tab.t.Helper()
	height := Get(tab, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	tab.Do(chromedp.EmulateViewport(tab.view.Width, max(height, tab.view.Height)))
	defer tab.Do(chromedp.EmulateViewport(tab.view.Width, tab.view.Height))
	return Get(tab, chromedp.FullScreenshot(100))
}

// Visible returns the visible part of the page as a PNG of the view's size.
func (tab *Tab) Visible() []byte {
	tab.t.Helper()
	return Get(tab, chromedp.CaptureScreenshot())
}

// Violation is what axe-core finds wrong on a page.
type Violation struct {
	ID     string // of the rule
	Impact string // minor, moderate, serious, critical
	Help   string
	Nodes  []struct {
		HTML           string
		FailureSummary string
	}
}

func (v Violation) String() string {
	text := fmt.Sprintf("%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, n := range v.Nodes {
		text += "\n  " + n.HTML + "\n  " + strings.ReplaceAll(n.FailureSummary, "\n", "\n  ")
	}
	return text
}

// Accessibility checks the page with axe-core, which scripts/test installs from npm: rules of
// WCAG 2.2 up to level AA, and best practices. Without it the test is skipped; in CI it fails.
func (tab *Tab) Accessibility() []Violation {
	tab.t.Helper()
	axe, err := os.ReadFile(axeFile())
	if err != nil {
		missing(tab.t, fmt.Sprintf("axe-core is not installed (npm ci --prefix scripts): %v", err))
	}
	// As the developer's console does, this passes over the page's Content-Security-Policy.
	Get(tab, chromedp.Evaluate[chromedp.Void](string(axe)))
	result := Get(tab, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	var violations []Violation
	if err := json.Unmarshal([]byte(result), &violations); err != nil {
		tab.t.Fatalf("axe-core: %v in %.200s", err, result)
	}
	return violations
}

// axeFile is where npm puts axe-core: scripts/package.json names its version.
func axeFile() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../../scripts/node_modules/axe-core/axe.min.js")
}
