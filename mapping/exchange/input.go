// input: a file's text, its line ends made one.

package exchange

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrEncoding is what the error of a file in an encoding other than ASCII's
// descendants is.
var ErrEncoding = errors.New("exchange: unknown encoding")

// maxLine is the longest line in bytes that is read; a longer one is refused.
const maxLine = 1 << 20

// input reads a text: without a byte order mark, with the line ends CRLF and CR
// made LF. It counts the lines that pass.
type input struct {
	ctx      context.Context
	in       *bufio.Reader
	progress func(int64)
	read     int64 // bytes
	ends     int   // line ends passed
	open     bool  // bytes follow the last line end
	cr       bool  // the last byte was a CR
	text     *bufio.Reader
	number   int // of the line that line returned last
}

func newInput(ctx context.Context, r io.Reader, progress func(int64)) (*input, error) {
	in := &input{ctx: ctx, in: bufio.NewReaderSize(r, 64<<10), progress: progress}
	head, err := in.in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\ufeff")):
		_, _ = in.in.Discard(3) // they are there
		in.read = 3
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}),
		len(head) > 1 && (head[0] == 0) != (head[1] == 0):
		return nil, fmt.Errorf("%w: the file is UTF-16, or no text: save it as UTF-8", ErrEncoding)
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		return nil, fmt.Errorf("%w: the file is packed by gzip: unpack it (gzip -dc FILE)", ErrEncoding)
	}
	in.text = bufio.NewReaderSize(in, 64<<10)
	return in, nil
}

// Read implements io.Reader.
func (in *input) Read(b []byte) (int, error) {
	if err := context.Cause(in.ctx); err != nil {
		return 0, err
	}
	n, err := in.in.Read(b)
	in.read += int64(n)
	if in.progress != nil && n > 0 {
		in.progress(in.read)
	}
	out := b[:0]
	for _, c := range b[:n] {
		after := in.cr
		in.cr = c == '\r'
		if c == '\n' && after {
			continue
		}
		if in.cr {
			c = '\n'
		}
		if c == '\n' {
			in.ends++
		}
		in.open = c != '\n'
		out = append(out, c)
	}
	return len(out), err
}

// lines is the number of lines once all is read.
func (in *input) lines() int {
	if in.open {
		return in.ends + 1
	}
	return in.ends
}

// line is the next line without its end; io.EOF after the last one. Of a line
// longer than maxLine it is the beginning, with long set.
func (in *input) line() (text string, number int, long bool, err error) {
	piece, err := in.text.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		kept := bytes.Clone(piece)
		for errors.Is(err, bufio.ErrBufferFull) {
			piece, err = in.text.ReadSlice('\n')
			if len(kept)+len(piece) <= maxLine {
				kept = append(kept, piece...)
			} else {
				long = true
			}
		}
		piece = kept
	}
	if errors.Is(err, io.EOF) && len(piece) > 0 {
		err = nil
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = fmt.Errorf("exchange: %w", err)
		}
		return "", 0, false, err
	}
	in.number++
	return string(bytes.TrimSuffix(piece, []byte("\n"))), in.number, long, nil
}

// each calls do for every line, and refuses those that are too long or hold a
// NUL byte.
func (a *account) each(do func(line int, text string)) error {
	for {
		text, number, long, err := a.in.line()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case long:
			a.say(number, Refused, text, fmt.Sprintf("is longer than %d bytes", maxLine))
		default:
			do(number, text)
		}
	}
}
