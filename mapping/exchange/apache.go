// Apache's configuration: directives, containers, and what they are about.

package exchange

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"pagemap/mapping"
)

// directive is a directive with the container it stands in.
type directive struct {
	line int
	text string // continued lines joined
	name string // lower case
	args []string
	in   *scope
}

// scope is what holds inside a container.
type scope struct {
	name      string       // the container's, lower case; "" for the file itself
	opaque    string       // why nothing inside can be told; ""
	perDir    bool         // rules are tried per directory, which is after those of the server
	base      mapping.Path // URL of that directory, with "/" at the end
	location  bool         // the container is <Location>
	engine    bool         // RewriteEngine On
	rewriteTo string       // RewriteBase
	names     []string     // ServerName and ServerAlias
	parent    *scope
}

// config is the scope whose settings for rules count: that of the innermost
// container that has its own.
func (s *scope) config() *scope {
	for s.name == "ifmodule" {
		s = s.parent
	}
	return s
}

// why is what keeps directives in s from being told.
func (s *scope) why() string {
	for ; s != nil; s = s.parent {
		if s.opaque != "" {
			return s.opaque
		}
	}
	return ""
}

// configuration is a file of Apache's, read.
type configuration struct {
	*account
	directives []directive
	root       string // DocumentRoot
}

// readApache reads .htaccess and server configuration.
func (a *account) readApache() error {
	c := configuration{account: a}
	if err := c.parse(); err != nil {
		return err
	}
	rules := c.compiler()
	rules.indexNames = a.o.IndexNames
	var entries [4][]entry // in the order in which Apache tries them
	rw := rewriting{configuration: &c}
	for _, d := range c.directives {
		if why := d.in.why(); why != "" && !structural[d.name] {
			c.say(d.line, Unexpressed, d.text, why)
			continue
		}
		phase := 0
		if d.in.config().perDir {
			phase = 2
		}
		switch {
		case aliasing[d.name]:
			if e, ok := c.alias(d); ok {
				entries[phase+1] = append(entries[phase+1], e)
			}
		case strings.HasPrefix(d.name, "rewrite"):
			if e, ok := rw.directive(d); ok {
				entries[phase] = append(entries[phase], e)
			}
		case !structural[d.name]:
			c.say(d.line, Unexpressed, d.text, d.written()+" is no redirect")
		}
	}
	for _, phase := range entries {
		for _, e := range phase {
			rules.take(e)
		}
	}
	rules.finish()
	return nil
}

// written is the directive's name as it is written.
func (d directive) written() string {
	name, _ := word(d.text)
	return name
}

var (
	aliasing   = map[string]bool{"redirect": true, "redirectmatch": true, "redirectpermanent": true, "redirecttemp": true}
	structural = map[string]bool{"servername": true, "serveralias": true, "documentroot": true, "listen": true, "loadmodule": true, "define": true, "container": true}
)

// parse splits the file into directives.
func (c *configuration) parse() error {
	in := &scope{base: c.o.Base, perDir: c.o.Format == Htaccess}
	var joined strings.Builder
	start, size := 0, 0
	end := func() {
		text := strings.Trim(joined.String(), " \t\v\f")
		joined.Reset()
		if text != "" && text[0] != '#' {
			in = c.directive(in, start, text)
		}
		start, size = 0, 0
	}
	err := c.each(func(line int, text string) {
		if start == 0 {
			start = line
		}
		part, continued := strings.CutSuffix(text, `\`)
		if size += len(part); size <= maxLine {
			joined.WriteString(part)
		}
		if !continued {
			end()
		}
	})
	if err != nil {
		return err
	}
	end()
	for in.parent != nil {
		c.note("<%s> is not closed", in.name)
		in = in.parent
	}
	return nil
}

// directive takes one and returns the scope that the next one stands in.
func (c *configuration) directive(in *scope, line int, text string) *scope {
	name, rest := word(text)
	d := directive{line: line, text: text, name: strings.ToLower(name), in: in}
	if strings.HasPrefix(text, "</") {
		closed := strings.ToLower(strings.TrimRight(strings.TrimPrefix(text, "</"), "> \t"))
		if in.parent == nil || closed != in.name {
			c.say(line, Refused, text, "closes no container")
			return in
		}
		return in.parent
	}
	if container, ok := strings.CutPrefix(text, "<"); ok {
		name, rest := word(strings.TrimSuffix(strings.TrimRight(container, " \t"), ">"))
		args, _ := words(rest)
		return c.open(in, strings.ToLower(name), args, d)
	}
	var ok bool
	split := words
	if d.name == "rewriterule" || d.name == "rewritecond" {
		split = rewriteWords
	}
	if d.args, ok = split(rest); !ok {
		c.say(line, Refused, text, "has a quote that is not closed")
		return in
	}
	config := in.config()
	switch value := strings.ToLower(first(d.args)); d.name {
	case "rewriteengine":
		config.engine = value == "on"
	case "rewritebase":
		config.rewriteTo = first(d.args)
	case "servername", "serveralias":
		for _, host := range d.args {
			config.names = append(config.names, strings.ToLower(host))
		}
	case "documentroot":
		if c.root == "" {
			c.root = path.Clean(first(d.args))
		}
	}
	c.directives = append(c.directives, d)
	return in
}

// first is the first of words, or "".
func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// open is the scope inside a container.
func (c *configuration) open(in *scope, name string, args []string, d directive) *scope {
	s := &scope{name: name, parent: in, base: in.base, perDir: in.perDir}
	arg := first(args)
	d.name, d.in = "container", s
	switch name {
	case "ifmodule":
		module, negated := strings.CutPrefix(strings.ToLower(arg), "!")
		if negated {
			s.opaque = fmt.Sprintf("holds only without the module %s", module)
		}
	case "virtualhost":
		if c.o.Format == Htaccess {
			s.opaque = "Apache allows no <VirtualHost> in an .htaccess"
		}
	case "directory":
		s.perDir = true
		s.opaque = c.directory(s, arg, len(args))
	case "location":
		s.perDir, s.location = true, true
		p, err := mapping.ParsePath(strings.TrimSuffix(arg, "/") + "/")
		if s.base = p; err != nil || len(args) != 1 || c.o.Format == Htaccess || strings.ContainsAny(arg, "*?[") {
			s.opaque = fmt.Sprintf("<Location %s> is no path of which the rows can be told", strings.Join(args, " "))
		}
	default:
		s.opaque = fmt.Sprintf("holds only inside <%s>, which no row can tell", name)
	}
	c.directives = append(c.directives, d)
	return s
}

// directory finds the URL of <Directory>.
func (c *configuration) directory(s *scope, arg string, args int) (opaque string) {
	dir := path.Clean(arg)
	switch {
	case c.o.Format == Htaccess:
		return "Apache allows no <Directory> in an .htaccess"
	case args != 1 || strings.ContainsAny(arg, "*?["):
		return "holds only in directories of a pattern, which no row can tell"
	case c.root == "":
		return fmt.Sprintf("the URL of the directory %s is not known: no DocumentRoot stands before it", arg)
	case dir == c.root:
		s.base = "/"
	case strings.HasPrefix(dir, strings.TrimSuffix(c.root, "/")+"/"):
		s.base = mapping.PathOfFile(strings.TrimPrefix(strings.TrimPrefix(dir, c.root), "/") + "/")
	default:
		return fmt.Sprintf("the directory %s is not below the DocumentRoot %s", arg, c.root)
	}
	return ""
}

// foreign reports whether the virtual host that d stands in is for other hosts.
func (c *configuration) foreign(s *scope) string {
	for ; s != nil; s = s.parent {
		if s.name != "virtualhost" || len(s.names) == 0 || len(c.o.Hosts) == 0 {
			continue
		}
		if !slices.ContainsFunc(s.names, c.own) {
			return fmt.Sprintf("is for the host %s, which is not one of the site's", s.names[0])
		}
	}
	return ""
}

// own reports whether a host is one of the site's.
func (c *configuration) own(host string) bool {
	host = strings.TrimPrefix(strings.TrimPrefix(host, "https://"), "http://")
	return slices.Contains(c.o.Hosts, strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443"))
}

// keyOf is the key of a decoded path, false for one that no request has.
func keyOf(decoded string) (mapping.Path, bool) {
	for strings.Contains(decoded, "//") {
		decoded = strings.ReplaceAll(decoded, "//", "/")
	}
	if !strings.HasPrefix(decoded, "/") {
		return "", false
	}
	key := mapping.PathOfFile(decoded[1:])
	if decoded == "/." {
		key = ""
	}
	return key, key != ""
}

// word cuts the first word off a line: bare, or in quotes of either kind. A
// backslash escapes itself, and the quote inside quotes.
func word(line string) (first, rest string) {
	first, rest, _ = cutWord(line)
	return first, rest
}

func cutWord(line string) (first, rest string, closed bool) {
	line = strings.TrimLeft(line, " \t\v\f")
	if line == "" || line[0] != '"' && line[0] != '\'' {
		end := strings.IndexAny(line, " \t\v\f")
		if end < 0 {
			end = len(line)
		}
		return strings.ReplaceAll(line[:end], `\\`, `\`), strings.TrimLeft(line[end:], " \t\v\f"), true
	}
	quote := line[0]
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		if line[i] == quote {
			return b.String(), strings.TrimLeft(line[i+1:], " \t\v\f"), true
		}
		if line[i] == '\\' && i+1 < len(line) && (line[i+1] == '\\' || line[i+1] == quote) {
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String(), "", false
}

// words are all words of a line; false where a quote is not closed.
func words(line string) (all []string, ok bool) {
	for line != "" {
		var w string
		if w, line, ok = cutWord(line); !ok {
			return nil, false
		}
		all = append(all, w)
	}
	return all, true
}
