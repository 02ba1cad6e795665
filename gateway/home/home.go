// Package home holds the words of the house: what a device, a property, a
// value, an event, a command and an outcome are, and the one JSON form in which
// an event is written to the journal, sent over AMQP and shown to a user.
//
// Every other package speaks these words, so this one imports nothing of ours,
// starts nothing and keeps nothing. All its types are plain values: safe to copy,
// and safe for concurrent use as long as nobody changes a slice or map in them.
//
// It exports more names than the house style likes, because it is the
// vocabulary of all others; each file is one word.
package home
