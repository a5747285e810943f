// Drawing a page for a key.

package site

import (
	"context"
	"testing"

	"pagemap/render"
)

// drawn is a source that draws one document.
type drawn struct{ doc *render.Document }

func (d drawn) Stat(context.Context, render.Page) (render.Revision, error)    { panic("not asked") }
func (d drawn) Render(context.Context, render.Page) (*render.Document, error) { return d.doc, nil }

func TestDraw(t *testing.T) {
	tests := []struct {
		name string
		rev  render.Revision
		doc  render.Document
		want bool // Volatile
	}{
		{"same revision", render.Revision{ID: "a"}, render.Document{Revision: "a"}, false},
		{"other revision", render.Revision{ID: "a"}, render.Document{Revision: "b"}, true},
		{"volatile revision", render.Revision{ID: "a", Volatile: true}, render.Document{Revision: "a"}, true},
		{"volatile document", render.Revision{ID: "a"}, render.Document{Revision: "a", Volatile: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.doc.Volatile
			got, err := draw(t.Context(), drawn{&tt.doc}, render.Page{Ref: "/"}, tt.rev)
			if err != nil || got.Volatile != tt.want {
				t.Errorf("%+v, %v", got, err)
			}
			if tt.doc.Volatile != before {
				t.Error("the source's own document was changed")
			}
		})
	}
}
