// Package look keeps the look of the old site: it draws new content into layouts that are
// made from old pages, and cuts the content out of old pages.
//
// # Layouts
//
// A layout is an HTML file with marks, comments where something is put in:
//
//	<!--pagemap:body-->         the content. It stands there once, in the text of the body.
//	                            select="SELECTOR" says where an old page has it, for who cuts it out;
//	                            charset="NAME" names the file's charset where nothing else does
//	<!--pagemap:title-->        the page's title, as text; anywhere, often in <title>
//	<!--pagemap:head-->         what the page adds to the head, such as its canonical link; once at most
//	<!--pagemap:modified-->     when the content was last changed, in UTC, as 2006-01-02;
//	                            format="January 2, 2006" writes it otherwise (Go's reference date)
//	<!--pagemap:edit-->         a link to where the content is edited; text="Edit this page" is what it says.
//	                            In an attribute it is the URL alone
//	<!--pagemap:path-->         the page's path, as for a link that says where one is
//	<!--pagemap:breadcrumbs-->  links to the pages above, then the title; separator=" &gt; " stands between
//
// Marks may have blanks inside, and values are written as in HTML. What a page has not, draws nothing. Every
// byte outside of marks is sent as it is.
//
// A mark may stand in text, in <title> and <textarea>, in quoted values of attributes, and in comments;
// what it puts in is escaped for that place. Only title, modified and path may stand in all of them, edit in text and in
// attributes, the others in text alone. None may stand in script, style or raw text, nor in attributes that hold either
// (onclick, style), and only edit and path in attributes that are URLs. body may stand only where every element may: not in a <p>, or
// in a <table> outside of its cells, from which a parser would move the content elsewhere.
//
// A layout has any charset that has ASCII in it: that of the body mark's attribute, of a byte order mark, or of a
// <meta>; without one it is UTF-8 if all of it is valid UTF-8, and windows-1252 if not. UTF-16 and ISO-2022-JP are
// refused. Content is written in that charset; a character that it lacks becomes a numeric reference.
//
// # The directory of layouts
//
// [Looks] reads them from a directory that mirrors the site: docs/layout.html is for all pages below /docs/, layout.html
// for those that no nearer one is for. Beside it, layout.html.ko.euc-kr is for pages whose names end in .html.ko.euc-kr, or .htm
// and the same. Where there is none, a plain layout stands in, which is part of the program.
//
// A changed file is seen within a second. One that is broken is refused: the last good one stays while the program
// runs and the file is there, and a program that never saw a good one takes the next that would serve. Files are
// written anew beside the old one and renamed, so that no half of one is ever read; whoever writes in place
// has it refused, or drawn as far as it goes, until it is read again.
//
// # Old pages
//
// [ReadPage] decodes a page as a browser would: by byte order mark, Content-Type, <meta> (in the first 1024 bytes or, as the
// parser comes upon it, later in the head), else as above. It is parsed as browsers do, and each
// element keeps where in the page's bytes its content stands. [Page.Region] is the content of the one element that a selector
// matches, from the end of its start tag to the tag that closes it, be that its own or, where the end tag
// is left out, another. It is refused where the content is no single range of bytes,
// because the parser moves some of it (text in a <table> outside of its cells; <b><p></b></p>).
//
// # Deriving
//
// [Derive] makes a layout of an old page. It puts body in place of the region, head before </head>, and title
// in place of <title>'s text or, where the region's first heading is a part of that text, of that part. It
// takes out of the head what speaks of this page alone: <link> with rel canonical, prev, next, or alternate with hreflang,
// and <meta> with name description or keywords or property og:title, og:description or og:url. Every other byte stays as it is.
//
// A URL that is relative, such as ../style/manual.css, leads elsewhere from another directory. A layout is
// drawn as it stands, so one with relative URLs serves the pages of one directory; with an absolute base they are
// rewritten to paths from the root, in the attributes that hold one URL. Scripts and style sheets inside the page are left alone.
//
// Other things of one page, such as a menu in which it is marked or a language list, are told by
// comparing pages ([Differences]): every tag and text outside of the region that other pages lack, with its line.
//
// [Propose] finds the region by comparing pages: text that most of them have is the look, the rest is content, and the
// best element has all of the content and nothing of the look.
package look

import "errors"

// Errors, tested with errors.Is.
var (
	ErrLayout   = errors.New("look: bad layout")          // of Parse: each is an *Error
	ErrCharset  = errors.New("look: unusable charset")    // of ReadPage, Parse and Derive
	ErrSelector = errors.New("look: bad selector")        // it cannot be read
	ErrRegion   = errors.New("look: no such region")      // the selector matches no element, or several
	ErrBroken   = errors.New("look: region is not whole") // it is no single range of bytes
	ErrSimilar  = errors.New("look: nothing to compare")  // of Propose: no pages, or equal ones
)
