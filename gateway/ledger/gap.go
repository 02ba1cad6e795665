package ledger

// gapDropped is the event's reason when the records made room for others.
const gapDropped = "dropped"

// Gap are the facts of that event.
type Gap struct {
	From   uint64            `json:"from"` // numbers in the journal; 0: none is known to be lost
	To     uint64            `json:"to"`
	Bytes  int64             `json:"bytes"`
	File   string            `json:"file"`
	Unsent map[string]uint64 `json:"unsent,omitempty"` // how many of each class were still to be sent
	// Uncounted is how many of those no state knows: they were accepted after the checkpoint.
	Uncounted uint64 `json:"uncounted,omitempty"`
}
