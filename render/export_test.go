package render

import "os"

// SetRead puts read in the place of io.ReadFull, for tests that change a file while it is read.
func (f *Files) SetRead(read func(*os.File, []byte) (int, error)) { f.read = read }
