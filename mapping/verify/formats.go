// The formats of inventories: sitemap, access log, CSV, baseline.

package verify

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"pagemap/mapping/accesslog"
)

// readSitemap reads a urlset, or returns what a sitemapindex names.
func (s *source) readSitemap() (sitemaps []string, err error) {
	d := xml.NewDecoder(s.in)
	parent, depth, root := "", 0, ""
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) && root != "" {
			return sitemaps, nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: no sitemap: %w", line, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch name := t.Name.Local; {
			case depth == 1 && name != "urlset" && name != "sitemapindex":
				return nil, fmt.Errorf("line %d: no sitemap, but <%s>", line, clip(name))
			case depth == 1:
				root = name
			case depth == 2:
				parent = name
			case depth == 3 && name == "loc":
				var loc string
				if err := d.DecodeElement(&loc, &t); err != nil {
					return nil, fmt.Errorf("line %d: %w", line, err)
				}
				depth--
				s.stats.Records++
				loc = strings.TrimSpace(loc)
				switch {
				case root == "urlset" && parent == "url":
					s.add(line, loc, Expected{})
				case root == "sitemapindex" && parent == "sitemap" && len(sitemaps) <= maxSitemaps:
					sitemaps = append(sitemaps, loc)
				}
			}
		case xml.EndElement:
			depth--
		}
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// looksLikeLog reports whether one of the first lines is a log's.
func (s *source) looksLikeLog(head []byte) bool {
	for i, line := range bytes.SplitN(head, []byte("\n"), 20) {
		if _, err := accesslog.Parse(bytes.TrimRight(line, "\r")); err == nil {
			return true
		}
		if i == 18 {
			break
		}
	}
	return false
}

// readLog reads an access log.
func (s *source) readLog() error {
	scanner, err := accesslog.NewScanner(s.in)
	if err != nil {
		return err
	}
	for scanner.Scan() {
		if s.stats.Records++; s.stats.Records%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		line, err := scanner.Line()
		switch {
		case err != nil:
			s.bad(scanner.Number(), err)
		case line.Method != "GET" && line.Method != "HEAD", line.Status/100 != 2 && line.Status/100 != 3:
			s.stats.Errors++
		case line.Host != "" && len(s.o.Hosts) > 0 && !slices.Contains(s.o.Hosts, line.Host):
			s.stats.OtherHost++
		default:
			s.add(scanner.Number(), line.Target, Expected{Hits: 1})
		}
	}
	return scanner.Err()
}

// csvColumns are the names of columns that are read, by what they mean.
var csvColumns = map[string]string{
	"url": "url", "path": "url", "address": "url", "from": "url", "old url": "url",
	"status": "status", "status code": "status", "code": "status",
	"target": "target", "source": "target", "location": "target", "to": "target", "redirect url": "target", "new url": "target",
	"hits": "hits", "count": "hits", "views": "hits", "pageviews": "hits",
}

// readCSV reads a CSV: with a header, or url, status, target.
func (s *source) readCSV() error {
	head, _ := s.in.Peek(4 << 10)
	first, _, _ := bytes.Cut(head, []byte("\n"))
	records := csv.NewReader(s.in)
	records.FieldsPerRecord, records.ReuseRecord = -1, true
	for _, comma := range "\t;" {
		if bytes.ContainsRune(first, comma) && !bytes.ContainsRune(first, ',') {
			records.Comma = comma
		}
	}
	at := map[string]int{"url": 0, "status": 1, "target": 2}
	for number := 0; ; number++ {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return fmt.Errorf("line %d: %w", syntax.Line, syntax.Err)
		}
		if err != nil {
			return err
		}
		line, _ := records.FieldPos(0)
		if number == 0 && !strings.HasPrefix(record[0], "/") && !strings.Contains(record[0], "://") {
			if at, err = csvHeader(record); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			continue
		}
		if number%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		s.stats.Records++
		if err := s.addRecord(line, at, record); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func csvHeader(record []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range record {
		if column, ok := csvColumns[strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(name, "_", " ")), " "))]; ok {
			if _, twice := at[column]; !twice {
				at[column] = i
			}
		}
	}
	if _, ok := at["url"]; !ok {
		return nil, fmt.Errorf("%q names no column of URLs: want url, and where they are known status, target, hits", clip(strings.Join(record, ",")))
	}
	return at, nil
}

// addRecord takes a record. A bad number is an error: a person wrote it.
func (s *source) addRecord(line int, at map[string]int, record []string) error {
	field := func(column string) string {
		if i, ok := at[column]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	e := Expected{exact: true}
	if text := field("status"); text != "" {
		status, err := strconv.Atoi(text)
		if err != nil || status < 200 || status > 599 {
			return fmt.Errorf("status %q: want a number such as 200 or 301", clip(text))
		}
		e.Status = status
	}
	if text := field("hits"); text != "" {
		hits, err := strconv.ParseInt(text, 10, 64)
		if err != nil || hits < 0 {
			return fmt.Errorf("hits %q: want a number", clip(text))
		}
		e.Hits = hits
	}
	if target := field("target"); redirect(e.Status) && target != "" {
		e.Location = target
	}
	if url := field("url"); url == "" || strings.HasSuffix(url, "/*") {
		s.bad(line, fmt.Errorf("%q is no URL that can be asked for", clip(url)))
	} else {
		s.add(line, url, e)
	}
	return nil
}

// baselineVersion is in the first line of a baseline.
const baselineVersion = 1

type baselineHead struct {
	Version int `json:"pagemap_baseline"`
}

// readBaseline reads what WriteBaseline wrote.
func (s *source) readBaseline() error {
	d := json.NewDecoder(s.in)
	var head baselineHead
	if err := d.Decode(&head); err != nil || head.Version != baselineVersion {
		return fmt.Errorf("line 1: no baseline of version %d: record one with --baseline", baselineVersion)
	}
	for line := 2; ; line++ {
		var e Expected
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if e.Status == 0 && e.Error == "" {
			return fmt.Errorf("line %d: %q has no status", line, clip(e.Target))
		}
		s.stats.Records++
		s.add(line, e.Target, e)
		if line%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
	}
}

// WriteBaseline writes URLs and their outcomes for a later run.
func WriteBaseline(w io.Writer, all []Expected) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(baselineHead{baselineVersion}); err != nil {
		return err
	}
	for i := range all {
		if err := e.Encode(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
