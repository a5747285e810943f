// Package wiki draws the pages of a wiki in the look of the site. A [Wiki] is where pages come from; adapters for
// several kinds implement it. A [Source] is a render.Source over one: it asks or remembers, sanitises, rewrites links, and draws
// with the layouts of package look.
//
// # Names
//
// A row's source names a page as Open takes it. Where a wiki has several spellings of a name (a [Speller]), they are one here, too. A
// name that a wiki cannot have is a page that is not there.
//
// # What a page is drawn from
//
// The revision of a page is a hash of the version of this list, the page's own name and revision, the ID of its layout, the
// state of all rows whose source is a wiki page (mapping.WikiState), the path that it is drawn at, and the settings of links. So
// an edit, a changed layout and a row that makes or takes away a link's target each make another document, in all processes
// alike, and nothing is purged. Modified is the latest of page, layout and the youngest of these rows.
//
// The title, the body, the time of the page's last change, the address where it can be edited, and the pages that the parts of its name before a
// slash lead through, where rows lead to them, are put into the layout. The head gets the canonical link, with the site's URL where
// that is known. A page's document of more than render.MaxKept bytes, and a body of more than twice as many, is render.ErrTooLarge.
//
// # Attachments
//
// A page with a type is an attachment and sent as it is, without a layout: pictures, sound, moving pictures, fonts,
// plain text, PDF, office documents and archives. Whatever browsers would run as a part of the site (HTML, SVG and
// other XML, scripts, style sheets) is not found: a wiki is written by many, and the site's own programs belong to its tree.
//
// One of more than render.MaxKept bytes is sent as it is read, from a wiki that can do so ([Attacher], a directory); of another one it is render.ErrTooLarge.
//
// # The sanitiser
//
// Nothing of a wiki's HTML is trusted. A list of elements and attributes is kept (bluemonday): text and its marks, headings, lists,
// tables with their old attributes, pictures, figures, details, and section elements; class, id, lang, dir, title, role. Scripts, style
// sheets and style attributes, event handlers, forms, embedded documents, SVG and MathML are taken out with their content. What is left
// is parsed as a fragment and written anew, so that it closes what it opens, and nothing else. Then
//
//   - comments go, and an id or name that the layout has itself, which its scripts and links would find in place of theirs, or that
//     a script in it asks the window for (window.NAME; scripts in files of their own are not looked at);
//   - items of lists and of definitions outside of their list become divs, as they would close an item around the content;
//   - checkboxes, which task lists have, are disabled; there is no other input.
//
// Classes are kept, so content can look like a part of the layout; it cannot act as one. HTML that is nested deeper
// than a parser takes (512 elements) is render.ErrUnavailable. What cannot be drawn is not tried again until it changes.
//
// # Links
//
// A reference in a body is read as the wiki means it ([Wiki.Target]).
//
//   - One to a page or an attachment that rows lead to gets its path on the site (mapping.Table.WikiPath), with its fragment.
//   - One to another page of the wiki leads into the wiki, or, with Options.Text and where the wiki has no address for readers, becomes text.
//   - A URL on the site's own hosts becomes a path; a path of the site stays; a fragment alone stays.
//   - Other URLs stay if their scheme is http, https, mailto, tel or another harmless one; else they become text.
//
// Pictures are treated alike, but for the schemes: http, https, and data for rasters of up to 32 KiB. One from nowhere is replaced by its text. User
// information in a URL makes it one from nowhere. Nothing is ever fetched because content refers to it.
//
// # Near and far
//
// A wiki that answers at once, such as a directory, is asked for each look (Options.Near). Of any other one, pages
// are remembered: in memory up to Options.Memory bytes, and in the pool's [Store].
//
// A page that this process knows is answered from memory, and nobody waits. If the wiki tells no changes, the page is looked at again behind the
// reader when that was done more than Options.Poll ago. If it does, they are asked for every Options.Poll, pages that changed are
// looked at again at once, and each page after a minute of use, for what the wiki did not tell. Whatever is asked of the wiki, one process of
// the pool asks, under a lock in the store, and the others find there what it was told; what the wiki told of changes in the last ten minutes, 500 at most,
// stands there too, so that a process which starts knows whether what it finds is current. One that cannot know asks, for one second at most.
//
// A page that no process knows is asked for while its readers wait: one question for all of them, eight at a time. When 64 readers wait, further ones
// are refused at once (render.ErrUnavailable), so that a slow wiki cannot take the places of other pages' readers. A page that is not
// there is remembered for a second.
//
// # When the wiki is down
//
// After two failures in a row the wiki counts as down: it is asked by one at a time, once in Options.Poll, and whoever would
// wait for it is refused at once. Pages that are known go on, in new layouts and with new links, too, and by processes that were started
// since, for 24 hours after the wiki was asked for them last; their revisions are Stale. So are those of a page that cannot be read while others can.
package wiki
