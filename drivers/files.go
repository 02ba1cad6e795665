package drivers

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// ReadNumber reads a file of the kernel that holds one number, as the kernel writes it: plain decimal, of 64 bits at most.
func ReadNumber(f Files, name string) (float64, error) {
	text, err := ReadText(f, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "-.0123456789") != "" || math.Abs(n) > math.MaxUint64 { // it also reads NaN, Inf and 1e308
		return 0, fmt.Errorf("%s says %q, which is no number", name, text)
	}
	return n, nil
}

// ReadText reads a file of the kernel that holds one line.
func ReadText(f Files, name string) (string, error) {
	text, err := f.ReadFile(name)
	return strings.TrimSpace(string(text)), err
}

// Missing adds to an error of [Files] what the user can do when the file is not
// there, and [ErrAbsent].
func Missing(err error, advice string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: %w", ErrAbsent, advice, err)
	}
	return err
}
