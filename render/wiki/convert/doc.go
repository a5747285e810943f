// Package convert turns the content of a page of the old site, as HTML, into the text of a wiki's page: into Markdown, as
// the wiki of files reads it, or into MediaWiki's wikitext. The same content gives the same text, which ends with a newline.
//
// # What is kept
//
// Every word, link, image and heading that readers see. Left out are scripts, style sheets, forms' fields, drawings, comments, and elements that
// say themselves that they are hidden. Of what shows another document (frames, video, maps) the links remain. Classes and
// styles go: the look is the layout's. No HTML is left in Markdown.
//
// References are resolved where the page stands, its base element counted in. What leads to the site, by path or by one of its hosts,
// becomes a path from its root, so that the text means the same wherever the wiki shows it; links
// within the page stay that. Links that run a script become their text.
//
// Ids that links may lead to stay: those of headings as the heading's, others, and names of anchors, as empty places before
// the text that they stood at. Ids of containers (sections, lists, tables) are for style sheets, and stay only where the page itself links
// to them. Of two equal ones the first counts.
//
// # Markdown
//
// CommonMark with the extensions that the wiki of files reads: tables, strikethrough, definition lists, ids of headings, and the
// spans of package span for places, text above and below the line, and sizes of images. A character is escaped only where
// it would mean something there. What Markdown cannot say:
//
//   - A cell of a table is a line. Rows with cells that hold more (lists, code in lines, tables) stand between the tables of
//     the other rows: with a first cell of one line, that is the term and the other cells are its descriptions. A table of one column is
//     a list, or its content. A cell that spans several leaves the others empty; header cells beside data are strong.
//   - Code holds neither links nor emphasis. Within a line, links divide it; below a block of code stands a line of the links and
//     images that were in it.
//   - Emphasis is left out where its signs would not be read as such, as within a word beside a bracket, or over a line break.
//   - Headings, terms and cells are one line: blocks in them stand apart by a space.
//   - A list of definitions without terms, which is for indenting, is its content.
//
// # Wikitext
//
// Tables keep what they span and whatever they hold; lists whose items are lines are written with signs, others with tags. Links
// to the site, and images, are URLs. What wikitext reads as markup, from brackets to addresses and
// magic words, is written as entities.
package convert
