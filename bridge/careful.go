package bridge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// suspicion is how long a message is in hand alone: what kills does it by then.
const suspicion = 5 * time.Second

// hand keeps a mark on the disk while the bridge runs: where one is found at a start, the process
// before died. What RabbitMQ delivers again after that was in hand then. It is taken one by one,
// of all queues, and is in the mark while it is; a message with which the process dies once more,
// alone, has killed twice, and is set aside. Safe for concurrent use.
type hand struct {
	log   *slog.Logger
	died  bool          // the process before
	last  mark          // what it had in hand alone
	alone chan struct{} // holds one, while a message is in hand alone
	mu    sync.Mutex
	file  *os.File // nil: no mark is kept
}

// mark is what the file has in it, as JSON in the first 128 bytes, which a disk writes whole.
type mark struct {
	Alone string `json:"alone"` // the fingerprint of a message; "": none
}

const markSize = 128

// openHand looks for a mark at path, and leaves its own. Without one (path is "", or cannot be
// written) nothing is taken carefully at the next start.
func openHand(path string, log *slog.Logger) *hand {
	h := &hand{log: log, alone: make(chan struct{}, 1)}
	if path == "" {
		return h
	}
	if f, err := os.Open(path); err == nil {
		text, _ := io.ReadAll(io.LimitReader(f, markSize)) // one that cannot be read says that it died, and no more
		_ = f.Close()
		h.died = true
		_ = json.Unmarshal(bytes.TrimSpace(text), &h.last)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		log.Warn("a crash will not be noticed at the next start", "error", err)
		return h
	}
	h.file = file
	if !h.died {
		h.write(mark{})
	}
	return h
}

// close takes the mark away: the process has not died.
func (h *hand) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return
	}
	err := errors.Join(os.Remove(h.file.Name()), h.file.Close())
	h.file = nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.log.Warn("the next start will take this one for a crash", "error", err)
	}
}

// write puts a mark on the disk.
func (h *hand) write(m mark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return
	}
	text, _ := json.Marshal(m) // always encodes
	text = append(text, bytes.Repeat([]byte(" "), markSize-len(text))...)
	_, err := h.file.WriteAt(text, 0)
	if err == nil {
		err = h.file.Sync()
	}
	if err != nil {
		h.log.Warn("what is in hand is not on the disk", "error", err)
	}
}

// suspects reports whether d was in hand when the process before died.
func (h *hand) suspects(d *amqp.Delivery) bool { return h.died && d.Redelivered }

// take waits until no other suspect is in hand, and marks d. twice reports that the process has
// died with it alone already. release lets the next one come.
func (h *hand) take(ctx context.Context, queue string, d *amqp.Delivery) (twice bool, release func(), err error) {
	select {
	case h.alone <- struct{}{}:
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
	m := mark{fingerprint(queue, d)}
	twice = m == h.last
	if !twice {
		h.write(m)
	}
	return twice, sync.OnceFunc(func() {
		h.write(mark{})
		<-h.alone
	}), nil
}

// fingerprint knows a message again that is delivered again.
func fingerprint(queue string, d *amqp.Delivery) string {
	sum := sha256.New()
	for _, text := range []string{queue, d.Exchange, d.RoutingKey, d.MessageId, d.CorrelationId, d.ReplyTo, d.Type, fmt.Sprint(bodySize(d))} {
		fmt.Fprintf(sum, "%d %s ", len(text), text)
	}
	_, _ = sum.Write(d.Body) // it never fails
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// arrival is a message that came from a queue.
type arrival struct {
	delivery *amqp.Delivery
	sub      *subscription
	from     origin
	twice    bool          // the process died twice with it in hand: it is not looked at any more
	over     chan struct{} // closed when it is settled; nil: it is no suspect
}

// settled is called once, when a message was acknowledged, or was given up.
func (a *arrival) settled() {
	if a.over != nil {
		close(a.over)
	}
}

// gate lets suspects in, one by one.
type gate struct {
	hand     *hand
	cleared  chan *arrival // its turn has come
	relieved chan *arrival // it is over, or has been in hand for long enough: what is behind it may come
}

// newGate makes one for so many queues.
func newGate(h *hand, queues int) gate {
	return gate{h, make(chan *arrival, queues), make(chan *arrival, queues)}
}

// admits reports whether a message may be taken at once. Else nothing more of its queue is taken until
// run, which has to be called, has had its turn.
func (g *gate) admits(a *arrival) bool {
	if !g.hand.suspects(a.delivery) {
		return true
	}
	a.sub.held, a.over = true, make(chan struct{})
	return false
}

// run waits for the turn of a suspect, and until it is over, at most until ctx ends.
func (g *gate) run(ctx context.Context, a *arrival) {
	twice, release, err := g.hand.take(ctx, a.sub.queue, a.delivery)
	if err != nil {
		return // it comes again in the next session
	}
	defer release()
	a.twice = twice
	g.cleared <- a
	select {
	case <-a.over:
	case <-time.After(suspicion):
	case <-ctx.Done():
	}
	g.relieved <- a
}

// diedTwice is why a message is set aside.
const diedTwice = "hogar died twice with it in hand, the second time with nothing else; it is set aside"

// noteSetAside logs that.
func (b *Bridge) noteSetAside(a *arrival) {
	d := a.delivery
	b.log.Error("a message is set aside: hogar died twice with it in hand, the second time with nothing else; please report it",
		"queue", a.sub.queue, "exchange", d.Exchange, "key", plain(d.RoutingKey, maxKey), "id", plain(d.MessageId, maxID), "user", sourceOf(d),
		"bytes", len(d.Body))
}
