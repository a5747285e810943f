// Scanner: a log, line by line.

package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line, in bytes, that is kept whole. Servers log targets
// of 8 KiB, and referrers as long.
const maxLine = 64 << 10

// Scanner reads a log. For one goroutine.
type Scanner struct {
	r      *bufio.Reader
	line   []byte
	number int
	cut    bool
	err    error
}

// NewScanner returns a scanner of r, which may be compressed with gzip: its first
// bytes tell. The error is r's, or that of a broken gzip header.
func NewScanner(r io.Reader) (*Scanner, error) {
	b := bufio.NewReaderSize(r, maxLine)
	magic, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("accesslog: %w", err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &Scanner{r: b}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("accesslog: %w", err)
	}
	return &Scanner{r: bufio.NewReaderSize(z, maxLine)}, nil
}

// Scan reads the next line that is not empty, and reports whether there is one.
// A line of more than 64 KiB is cut there.
func (s *Scanner) Scan() bool {
	for s.err == nil {
		line, err := s.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line = bytes.Clone(line) // the rest overwrites the reader's buffer
			err = s.skip()
		}
		s.err = err
		if len(line) > 0 {
			s.number++
			s.cut = err != nil
		}
		if s.line = bytes.TrimRight(line, "\r\n"); len(s.line) > 0 {
			return true
		}
	}
	return false
}

// skip reads up to the end of the line.
func (s *Scanner) skip() error {
	for {
		_, err := s.r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// Bytes is the line without its end. It is valid until the next Scan.
func (s *Scanner) Bytes() []byte { return s.line }

// Number is the line's, from 1, in the log without its compression.
func (s *Scanner) Number() int { return s.number }

// Line is the line, parsed.
func (s *Scanner) Line() (Line, error) { return Parse(s.line) }

// Cut reports whether the log ended within the line, without a line's end: its server may be writing it, or a
// compressed log is cut short.
func (s *Scanner) Cut() bool { return s.cut }

// Err is why the log ended before its end: nil where it did not. A log whose
// compressed form is cut short is one.
func (s *Scanner) Err() error {
	if s.err == nil || errors.Is(s.err, io.EOF) {
		return nil
	}
	return fmt.Errorf("accesslog: line %d: %w", s.number+1, s.err)
}
