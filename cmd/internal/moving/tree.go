// The old tree's pages.

package moving

import (
	"context"
	"fmt"
	"path"
	"strings"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
	"pagemap/render/look"
)

// Tree reads pages of the old tree.
type Tree struct {
	Files   *tree.Tree
	Types   *mapping.Types
	Sources *render.Files
}

// NewTree reads pages from files, by the settings' media types and charset.
func NewTree(files *tree.Tree, s *config.Settings) (*Tree, error) {
	types, _, err := serving.MediaTypes(s.MimeTypes)
	if err != nil {
		return nil, err
	}
	return &Tree{files, types, render.NewFiles(files, types, render.FileOptions{DefaultCharset: s.Charset})}, nil
}

// Read reads the page at a path; of a directory its index.
func (t *Tree) Read(ctx context.Context, p mapping.Path) (*look.Page, error) {
	ref := p
	if entry := t.Files.Lookup(p, false); entry.Kind == mapping.Directory && entry.Index != "" {
		name, _ := p.FileName()
		ref = mapping.PathOfFile(path.Join(name, entry.Index))
	}
	doc, err := t.Sources.Render(ctx, render.Page{Path: p, Ref: string(ref)})
	if err != nil {
		return nil, err
	}
	page, err := look.ReadPage(doc.Body, doc.Type)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return page, nil
}

// IsHTML reports whether a file, by its name, is a page of HTML.
func (t *Tree) IsHTML(ref string) bool {
	media := t.Types.Media(ref[strings.LastIndexByte(ref, '/')+1:]).Type
	return media == "text/html" || media == "application/xhtml+xml"
}

// FileAt is the path of the file that the page at a path is drawn from where no row says otherwise: of a directory its index.
func (t *Tree) FileAt(p mapping.Path) string {
	if entry := t.Files.Lookup(p, false); entry.Kind == mapping.Directory && entry.Index != "" {
		return string(p) + entry.Index
	}
	return string(p)
}
