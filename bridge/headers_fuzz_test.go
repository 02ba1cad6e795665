package bridge

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// tables makes header tables of bytes, with each type that AMQP knows, nested.
type tables struct{ rest []byte }

func (g *tables) next() byte {
	if len(g.rest) == 0 {
		return 0
	}
	b := g.rest[0]
	g.rest = g.rest[1:]
	return b
}

func (g *tables) word() string {
	words := []string{"x-death", "reason", "exchange", "routing-keys", "hogar-reason", "hogar-time", "CC", "late", "seq", "dseq", "", "\xff"}
	return words[int(g.next())%len(words)]
}

func (g *tables) table(depth int) amqp.Table {
	t := amqp.Table{}
	for range g.next() % 5 {
		t[g.word()] = g.value(depth)
	}
	return t
}

func (g *tables) value(depth int) any {
	n := int64(g.next())
	flat := []any{nil, n%2 == 0, int8(n), int16(n), int32(n), n << 40, float32(n), float64(n), g.word(), []byte(g.word()),
		time.Unix(n<<32, 0), amqp.Decimal{Scale: uint8(n), Value: int32(n)}}
	switch kind := int(g.next()) % (len(flat) + 4); {
	case kind < len(flat):
		return flat[kind]
	case depth == 0:
		return nil
	case kind%2 == 0:
		return g.table(depth - 1)
	default:
		var all []any
		for range g.next() % 4 {
			all = append(all, g.value(depth-1))
		}
		return all
	}
}

// FuzzHeaders has everything that reads headers of others read any: nothing may fall over them, and
// what is sent on can be sent.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte{1, 0, 0, 13, 1, 0, 12, 3, 1, 0, 8, 2, 0, 8, 3, 0, 13, 1, 0, 8}, "casa.reading.hall.lamp.state", `{"device":"hall.lamp"}`)
	f.Add([]byte{4, 4, 9, 8, 5, 1, 8, 6, 200, 8, 7, 3, 1}, "", "")
	f.Fuzz(func(t *testing.T, headers []byte, key, body string) {
		g := tables{headers}
		d := &amqp.Delivery{Headers: g.table(3), Exchange: "hogar", RoutingKey: key, Type: "hogar.reading.v1", Body: []byte(body)}
		if x, known := deathOf(d); known && x.key == "" {
			t.Error("a death without a key")
		}
		recorded(d, "casa")
		heard(d)
		if dead := deadOf(d); dead.Body == "" && body != "" {
			t.Error("the body is lost")
		}
		if err := again(d, "casa").Headers.Validate(); err != nil {
			t.Errorf("%v cannot be sent again: %v", d.Headers, err)
		}
	})
}
