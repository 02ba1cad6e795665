package filter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
)

// The limits of what may be written.
const (
	mostSteps  = 16
	mostWindow = 1000
	shortest   = time.Millisecond
	longest    = 366 * 24 * time.Hour
)

// words are the filters, as they are written.
var words = []string{"offset", "scale", "calibrate", "clamp", "median", "moving_average", "delta", "throttle", "debounce",
	"heartbeat", "timeout", "skip"}

// numeric are those that need a number.
var numeric = words[:7]

// Decode reads the filters of property p: a list of maps with one key each, like
//
//	[{median: 5}, {delta: 0.1}, {heartbeat: 10m}]
//
// Faults are told at their places; the chain is used only when there are none. It
// returns nil when there are no filters.
func Decode(n *home.Node, p home.Property, faults *home.Faults) *Chain {
	if n == nil || n.Kind == home.NodeNull {
		return nil
	}
	if n.Kind != home.NodeList {
		faults.At(n, "[{median: 5}, {delta: 0.1}]", "filters are %s, expected a list of filters", n.Describe())
		return nil
	}
	if p.Type == home.TypeObject || p.Type == home.TypeEvent {
		faults.At(n, "", "%s is of type %s, which has no filters", p.Name, p.Type)
		return nil
	}
	if len(n.Items) > mostSteps {
		faults.At(n, "", "%d filters, expected at most %d", len(n.Items), mostSteps)
		return nil
	}
	c := &Chain{}
	for _, item := range n.Items {
		if item.Kind != home.NodeMap || len(item.Pairs) != 1 {
			faults.At(item, "write {median: 5}", "a filter is %s, expected a map with one key", item.Describe())
			continue
		}
		d := home.NewDecoder(item, faults)
		word := item.Pairs[0].Key
		if p.Type != home.TypeNumber && slices.Contains(numeric, word) {
			d.Fault(word, "", "%s is for numbers, and %s is a %s", word, p.Name, p.Type)
		}
		if st := decodeStep(d, word); st != nil {
			c.steps = append(c.steps, st)
		}
	}
	if len(c.steps) == 0 {
		return nil
	}
	return c
}

// decodeStep reads one filter; nil when there is none of that name.
func decodeStep(d *home.Decoder, word string) step {
	d.Require(word)
	span := func() time.Duration { return d.Duration(word, time.Second, shortest, longest) }
	number := func() float64 { return d.Number(word, 1, math.Inf(-1), math.Inf(1)) }
	switch word {
	case "offset":
		return offset{by: number()}
	case "scale":
		return scale{by: number()}
	case "calibrate":
		return calibrate{points: decodePoints(d)}
	case "clamp":
		return decodeClamp(d)
	case "median":
		return &median{window{size: d.Int(word, 1, 1, mostWindow)}}
	case "moving_average":
		return &average{window{size: d.Int(word, 1, 1, mostWindow)}}
	case "delta":
		return decodeDelta(d)
	case "throttle":
		return &throttle{span: span()}
	case "debounce":
		return &debounce{span: span()}
	case "heartbeat":
		return &heartbeat{span: span()}
	case "timeout":
		return timeout{span: span()}
	case "skip":
		return &skip{left: d.Int(word, 0, 0, 1e6)}
	}
	hint := "there are " + strings.Join(words, ", ")
	if near := home.Nearest(word, words); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.Faults.Add(home.Fault{Path: d.Node.Pairs[0].Value.Path, OnKey: true, Message: fmt.Sprintf("there is no filter '%s'", word), Hint: hint})
	return nil
}

// decodeDelta reads a difference, or one in percent of the last value.
func decodeDelta(d *home.Decoder) step {
	text, percent := strings.CutSuffix(d.Text("delta", "0"), "%")
	by, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(by >= 0) || math.IsInf(by, 0) {
		d.Fault("delta", "", "delta is %s, expected a difference like 0.1 or 5%%", d.Node.Get("delta").Describe())
	}
	return &delta{by: by, percent: percent}
}

// decodeClamp reads {min: 0, max: 100}; one of the two is enough.
func decodeClamp(d *home.Decoder) step {
	c := clamp{min: math.Inf(-1), max: math.Inf(1)}
	limits := d.Map("clamp")
	if limits == nil {
		return c
	}
	if limits.Get("min") == nil && limits.Get("max") == nil {
		d.Fault("clamp", "{min: 0, max: 100}", "clamp has neither min nor max")
	}
	c.min = limits.Number("min", c.min, math.Inf(-1), math.Inf(1))
	c.max = limits.Number("max", c.max, math.Inf(-1), math.Inf(1))
	if c.min > c.max {
		d.Fault("clamp", "", "min is %v and max is %v, expected min below max", c.min, c.max)
	}
	limits.Done()
	return c
}

// decodePoints reads [[measured, true], …].
func decodePoints(d *home.Decoder) [][2]float64 {
	var points [][2]float64
	for _, item := range d.List("calibrate") {
		var p [2]float64
		ok := item.Kind == home.NodeList && len(item.Items) == 2
		for i := 0; ok && i < 2; i++ {
			f, err := strconv.ParseFloat(item.Items[i].Text, 64)
			ok = err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
			p[i] = f
		}
		if !ok {
			d.Faults.At(item, "[[0, 0.4], [100, 98.7]]", "a point is %s, expected [measured, true]", item.Describe())
			continue
		}
		points = append(points, p)
	}
	slices.SortFunc(points, func(a, b [2]float64) int {
		switch {
		case a[0] < b[0]:
			return -1
		case a[0] > b[0]:
			return 1
		}
		return 0
	})
	for i := 1; i < len(points); i++ {
		if points[i][0] == points[i-1][0] {
			d.Fault("calibrate", "", "two points measure %v", points[i][0])
			return points[:1]
		}
	}
	if len(points) == 0 && d.Get("calibrate") != nil && d.Get("calibrate").Kind == home.NodeList && len(d.Get("calibrate").Items) == 0 {
		d.Fault("calibrate", "[[0, 0.4], [100, 98.7]]", "calibrate has no points")
	}
	if len(points) == 0 {
		return [][2]float64{{0, 0}}
	}
	return points
}
