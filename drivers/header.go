package drivers

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// header is what is at the 40 pins of a Pi's header, from pin 1 (Raspberry Pi documentation, "GPIO and
// the 40-pin header"; pins 27 and 28, ID_SD and ID_SC there, are GPIO0 and GPIO1).
var header = [40]string{
	"3.3 V", "5 V",
	"GPIO2", "5 V",
	"GPIO3", "ground",
	"GPIO4", "GPIO14",
	"ground", "GPIO15",
	"GPIO17", "GPIO18",
	"GPIO27", "ground",
	"GPIO22", "GPIO23",
	"3.3 V", "GPIO24",
	"GPIO10", "ground",
	"GPIO9", "GPIO25",
	"GPIO11", "GPIO8",
	"ground", "GPIO7",
	"GPIO0", "GPIO1",
	"GPIO5", "ground",
	"GPIO6", "GPIO12",
	"GPIO13", "ground",
	"GPIO19", "GPIO16",
	"GPIO26", "GPIO20",
	"ground", "GPIO21",
}

// counted is how people write a pin by its place on the header, or by a number alone.
var counted = regexp.MustCompile(`^(?i)(pin|header|board|physical|gpio|bcm)?[ _:-]*0*(\d{1,2})$`)

// pinHint is what to write instead of a pin that is none. A number alone has two meanings: the
// processor's, or the place on the header. Where both are possible both are named.
func pinHint(written string) string {
	m := counted.FindStringSubmatch(written)
	if m == nil {
		return "a line of an expander is written mcp23017/3"
	}
	n, _ := strconv.Atoi(m[2])
	var write []string
	also := ""
	word := strings.ToLower(m[1])
	name := "GPIO" + strconv.Itoa(n)
	if place := slices.Index(header[:], name) + 1; place > 0 && !slices.Contains([]string{"header", "board", "physical"}, word) {
		write = append(write, fmt.Sprintf("%s, which is pin %d of the header", name, place))
	}
	if n >= 1 && n <= len(header) && word != "gpio" && word != "bcm" {
		if at := header[n-1]; IsPin(at) {
			write = append(write, fmt.Sprintf("%s, which is pin %d of the header", at, n))
		} else {
			also = fmt.Sprintf("pin %d of the header is %s", n, at)
		}
	}
	switch {
	case len(write) == 0 && also == "":
		return "the header has 40 pins; GPIO17, for example, is pin 11"
	case len(write) == 0:
		return also
	case also != "":
		also = "; " + also
	}
	return "write " + strings.Join(write, ", or ") + also
}
