// Routes: every address below the admin page's path.

package admin

import "net/http"

// Route is an address of the admin page.
type Route struct {
	Method  string // GET, which HEAD goes with, or POST
	Pattern string // below the path, as http.ServeMux has it
	Role    Role   // that it needs

	serve func(*Admin, http.ResponseWriter, *http.Request) error
}

// Routes are all routes. What changes anything is a POST, and needs an Editor.
func (a *Admin) Routes() []Route {
	return []Route{
		{"GET", "{$}", Reader, (*Admin).front},
		{"GET", "static/{name}", Reader, (*Admin).static},

		{"GET", "pages", Reader, (*Admin).pages},
		{"GET", "export", Reader, (*Admin).export},
		{"GET", "page", Reader, (*Admin).onePage},
		{"POST", "page", Editor, (*Admin).save},
		{"GET", "page/check", Reader, (*Admin).checkPage},
		{"GET", "flip", Reader, (*Admin).planFlip},
		{"GET", "compare", Reader, (*Admin).side},

		{"GET", "bulk", Editor, (*Admin).bulk},
		{"GET", "import", Editor, (*Admin).importForm},
		{"POST", "plans", Editor, (*Admin).planBulk},
		{"POST", "import", Editor, (*Admin).planImport},
		{"POST", "changes/{id}/revert", Editor, (*Admin).planRevert},
		{"GET", "plans/{id}", Reader, (*Admin).plan},
		{"POST", "plans/{id}/again", Editor, (*Admin).planAgain},
		{"POST", "plans/{id}/apply", Editor, (*Admin).applyPlan},

		{"GET", "ask", Reader, (*Admin).ask},
		{"GET", "near", Reader, (*Admin).nearPaths},
		{"GET", "misses", Reader, (*Admin).misses},
		{"POST", "misses", Editor, (*Admin).settle},
		{"GET", "ignored", Reader, (*Admin).ignored},
		{"POST", "ignored", Editor, (*Admin).changeIgnored},

		{"GET", "changes", Reader, (*Admin).changes},
		{"GET", "changes/{id}", Reader, (*Admin).change},
		{"GET", "findings", Reader, (*Admin).findings},
	}
}
