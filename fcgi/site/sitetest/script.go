// Package sitetest runs scripted page tests: text files of requests and what is
// expected of their answers, against anything that answers HTTP. It brings the
// World, the file tree and page table, that the scripts speak of.
//
// # Scripts
//
// A script is cases, divided by blank lines; lines that begin with # are
// comments. A case is one request and its expectations:
//
//	@only memory                          tags of targets that run the case
//	@not apache http                      tags of targets that do not
//	GET /docs/guide.html                  method, raw target, and perhaps a protocol
//	> Accept-Encoding: gzip               a request header
//	send 5000                             a body of so many bytes
//	status 200                            perhaps several: 400 404
//	header Content-Type == text/html      == != contains !contains ~ !~ (regular expression)
//	noheader Vary
//	body == file:docs/guide.html          the same operators; the bytes of a file of the tree,
//	body == part:docs/guide.html 0 9      of a part of it (both ends included),
//	body == empty                         nothing,
//	body == text...                       or the text itself
//	gunzip == file:docs/guide.html        of the decompressed body
//	save etag header ETag                 ${etag} in later lines of the script
//
// A target may be a Go string, "/caf\xe9", for bytes that a line cannot hold.
// {{a*2100}} stands for 2,100 times "a", ${name} for what was saved.
//
// # Rules for all answers
//
// Whatever a case expects, Run also checks that a body is as long as
// Content-Length says, that a Location can be sent safely, that an answer is not 500,
// and that HEAD has the status and headers of GET, and no body.
package sitetest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Script is a parsed script.
type Script struct {
	Name  string // of the file, without directory and extension
	Cases []Case
}

// Case is a request and what is expected of its answer.
type Case struct {
	Line      int // of the request, from 1
	Only, Not []string
	Request   Request // with ${names} in it
	Checks    []Check
}

// Check is one expectation, or a save.
type Check struct {
	Line int
	Verb string // "status", "header", "noheader", "body", "gunzip", "save"
	Name string // of the header; of a save the variable
	Op   string // "==", "!=", "contains", "!contains", "~", "!~"; of a save the header
	Want string
}

// Runs reports whether a target with these tags runs the case.
func (c *Case) Runs(tags []string) bool {
	has := func(tag string) bool { return slices.Contains(tags, tag) }
	return (c.Only == nil || slices.ContainsFunc(c.Only, has)) && !slices.ContainsFunc(c.Not, has)
}

// ParseFiles reads the scripts that a glob pattern names; none is an error.
func ParseFiles(glob string) ([]Script, error) {
	names, err := filepath.Glob(glob)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("sitetest: no scripts %s", glob)
	}
	var scripts []Script
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(strings.TrimSuffix(filepath.Base(name), ".txt"), string(text))
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

var operators = []string{"==", "!=", "contains", "!contains", "~", "!~"}

// Parse reads a script. Errors name script and line.
func Parse(name, text string) (Script, error) {
	s := Script{Name: name}
	var c Case
	end := func() error {
		if c.Line > 0 && len(c.Checks) == 0 {
			return fmt.Errorf("sitetest: %s:%d: a request without expectations", name, c.Line)
		}
		if c.Line > 0 {
			s.Cases = append(s.Cases, c)
		}
		c = Case{}
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if line == "" {
			if err := end(); err != nil {
				return s, err
			}
			continue
		}
		if err := c.parseLine(line, i+1); err != nil {
			return s, fmt.Errorf("sitetest: %s:%d: %q: %w", name, i+1, line, err)
		}
	}
	return s, end()
}

var methodPattern = regexp.MustCompile(`^[A-Za-z]+$`)

func (c *Case) parseLine(line string, number int) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "@only":
		c.Only = strings.Fields(rest)
		return nil
	case "@not":
		c.Not = strings.Fields(rest)
		return nil
	}
	if c.Line == 0 {
		c.Line = number
		return c.Request.parse(verb, rest)
	}
	k := Check{Line: number, Verb: verb, Want: rest}
	switch verb {
	case ">":
		key, value, ok := strings.Cut(rest, ":")
		if !ok {
			return fmt.Errorf("want a name, a colon and a value")
		}
		c.Request.Header = append(c.Request.Header, Field{key, strings.TrimSpace(value)})
		return nil
	case "send":
		n, err := strconv.Atoi(rest)
		c.Request.Body = strings.Repeat("x", n)
		return err
	case "status":
		for _, f := range strings.Fields(rest) {
			if _, err := strconv.Atoi(f); err != nil {
				return err
			}
		}
	case "noheader":
		k.Name, k.Want = rest, ""
	case "header":
		k.Name, rest, _ = strings.Cut(rest, " ")
		return c.compare(k, rest)
	case "body", "gunzip":
		return c.compare(k, rest)
	case "save":
		f := strings.Fields(rest)
		if len(f) != 3 || f[1] != "header" {
			return fmt.Errorf("want: save NAME header FIELD")
		}
		k.Name, k.Op, k.Want = f[0], f[2], ""
	default:
		return fmt.Errorf("unknown expectation")
	}
	c.Checks = append(c.Checks, k)
	return nil
}

// compare adds a check with an operator.
func (c *Case) compare(k Check, rest string) error {
	k.Op, k.Want, _ = strings.Cut(strings.TrimSpace(rest), " ")
	k.Want = strings.TrimSpace(k.Want)
	if !slices.Contains(operators, k.Op) {
		return fmt.Errorf("want one of %s", strings.Join(operators, " "))
	}
	if strings.HasSuffix(k.Op, "~") {
		if _, err := regexp.Compile(k.Want); err != nil {
			return err
		}
	}
	c.Checks = append(c.Checks, k)
	return nil
}

var repeatPattern = regexp.MustCompile(`\{\{(.+?)\*(\d+)\}\}`)

// repeat puts in what {{text*count}} stands for.
func repeat(s string) string {
	return repeatPattern.ReplaceAllStringFunc(s, func(m string) string {
		sub := repeatPattern.FindStringSubmatch(m)
		n, err := strconv.Atoi(sub[2])
		if err != nil || n > 1<<20 {
			return m
		}
		return strings.Repeat(sub[1], n)
	})
}
