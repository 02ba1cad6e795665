package template

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// widest bounds a width or a precision in a format.
const widest = 100

// conversion is one %d, %5.1f or %02x.
type conversion struct {
	left, plus, blank, zero, sharp bool
	width, precision               int // precision -1: none
	verb                           byte
}

// flags reads them from the beginning of s and returns the rest.
func (c *conversion) flags(s string) string {
	for ; s != ""; s = s[1:] {
		switch s[0] {
		case '-':
			c.left = true
		case '+':
			c.plus = true
		case ' ':
			c.blank = true
		case '0':
			c.zero = true
		case '#':
			c.sharp = true
		default:
			return s
		}
	}
	return s
}

// sizes reads width and precision.
func (c *conversion) sizes(s string) (rest string, err error) {
	digits := func() (n int) {
		for s != "" && s[0] >= '0' && s[0] <= '9' {
			n = min(n*10+int(s[0]-'0'), widest+1)
			s = s[1:]
		}
		return n
	}
	c.width = digits()
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		c.precision = digits()
	}
	if c.width > widest || c.precision > widest {
		return s, fmt.Errorf("a format wider than %d", widest)
	}
	return s, nil
}

// write writes a value as Python's % does.
func (c conversion) write(v any) (string, error) {
	if c.verb == 's' || c.verb == 'r' {
		c.plus, c.blank, c.zero, c.sharp = false, false, false, false
	}
	var spec strings.Builder
	spec.WriteString("%")
	for _, one := range []struct {
		is   bool
		flag string
	}{{c.left, "-"}, {c.plus, "+"}, {c.blank, " "}, {c.zero && !c.left, "0"}, {c.sharp, "#"}} {
		if one.is {
			spec.WriteString(one.flag)
		}
	}
	if c.width > 0 {
		spec.WriteString(strconv.Itoa(c.width))
	}
	if c.precision >= 0 {
		spec.WriteString("." + strconv.Itoa(c.precision))
	}
	switch c.verb {
	case 's':
		return fmt.Sprintf(spec.String()+"s", text(v)), nil
	case 'r':
		var b strings.Builder
		writeRepr(&b, v)
		return fmt.Sprintf(spec.String()+"s", b.String()), nil
	case 'd', 'i', 'u', 'x', 'X', 'o', 'b', 'c':
		return c.integer(spec.String(), v)
	case 'f', 'F', 'e', 'E', 'g', 'G', '%':
		return c.float(spec.String(), v)
	}
	return "", fmt.Errorf("the format %%%c is not supported", c.verb)
}

func (c conversion) integer(spec string, v any) (string, error) {
	i, f, isWhole, ok := number(v)
	if !ok || !isWhole && (c.verb != 'd' && c.verb != 'i' && c.verb != 'u' || math.Abs(f) >= 1<<63) {
		return "", fmt.Errorf("%%%c of a %s", c.verb, kindOf(v))
	}
	if !isWhole {
		i = int64(f)
	}
	verb := string(c.verb)
	if verb == "i" || verb == "u" {
		verb = "d"
	}
	return fmt.Sprintf(spec+verb, i), nil
}

func (c conversion) float(spec string, v any) (string, error) {
	i, f, isWhole, ok := number(v)
	if !ok {
		return "", fmt.Errorf("%%%c of a %s", c.verb, kindOf(v))
	}
	if isWhole {
		f = float64(i)
	}
	if c.precision < 0 {
		spec += ".6"
	}
	switch {
	case c.verb == '%':
		return fmt.Sprintf(spec+"f%%", f*100), nil
	case math.IsNaN(f) || math.IsInf(f, 0):
		return floatText(f), nil
	}
	return fmt.Sprintf(spec+string(c.verb), f), nil
}
