// Errors: the mistakes found in a file.

package exchange

import (
	"fmt"
	"strings"
)

// maxErrors is the number of mistakes that are told; the rest are counted.
const maxErrors = 50

// Errors are all mistakes of a file.
type Errors struct {
	Lines []LineError // the first 50
	Total int
}

// LineError is a mistake in one line.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error names the line.
func (e LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap is the mistake.
func (e LineError) Unwrap() error { return e.Err }

func (e *Errors) add(line int, err error) {
	e.Total++
	if len(e.Lines) < maxErrors {
		e.Lines = append(e.Lines, LineError{line, err})
	}
}

// Error has a line for each mistake.
func (e *Errors) Error() string {
	var b strings.Builder
	b.WriteString("exchange: ")
	for i, line := range e.Lines {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(line.Error())
	}
	if more := e.Total - len(e.Lines); more > 0 {
		fmt.Fprintf(&b, "\nand %d more", more)
	}
	return b.String()
}

// Unwrap are the mistakes that are told.
func (e *Errors) Unwrap() []error {
	errs := make([]error, len(e.Lines))
	for i, line := range e.Lines {
		errs[i] = line
	}
	return errs
}
