package home

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of names (docs/reference.md, "Names").
const (
	MaxWord  = 32 // characters in a word
	MaxWords = 3  // words in a device's name
)

// reserved are the words that may not begin the name of a device, group or
// scene, because the rules' language gives them a meaning of their own.
var reserved = []string{
	"and", "or", "not", "in", "if", "then", "else", "true", "false", "on", "off", "nil",
	"unknown", "now", "sun", "vars", "message", "trigger", "value", "previous",
}

// Vars is the name of the device whose properties are the variables of the rules.
const Vars = "vars"

// Reserved reports whether word may not begin a device's name.
func Reserved(word string) bool { return slices.Contains(reserved, word) }

// CheckWord says why s is not a word ([a-z][a-z0-9_]*, at most [MaxWord]
// characters), or nil.
func CheckWord(s string) error {
	switch {
	case s == "":
		return errors.New("an empty word; a word is a lower-case letter and then letters, digits or _")
	case len(s) > MaxWord:
		return fmt.Errorf("%q has %d characters; a word has at most %d", s, len(s), MaxWord)
	case s[0] < 'a' || s[0] > 'z':
		return fmt.Errorf("%q does not begin with a lower-case letter", s)
	}
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return fmt.Errorf("%q has the character %q; a word has lower-case letters, digits and _", s, r)
		}
	}
	return nil
}

// CheckAddress says why nothing can be sent to or told of s, or nil: it is the name
// of a device, as [CheckDevice] has it, or [Vars].
func CheckAddress(s string) error {
	if s == Vars {
		return nil
	}
	return CheckDevice(s)
}

// CheckDevice says why s is not the name of a device (one to three words with
// dots between, the first not reserved), or nil.
func CheckDevice(s string) error {
	words := strings.Split(s, ".")
	if len(words) > MaxWords {
		return fmt.Errorf("%q has %d words; a device's name has at most %d", s, len(words), MaxWords)
	}
	for _, w := range words {
		if err := CheckWord(w); err != nil {
			return err
		}
	}
	if Reserved(words[0]) {
		return fmt.Errorf("%q begins with %q, which the rules' language needs", s, words[0])
	}
	return nil
}

// Join makes the full name of a device's property: kitchen.climate.temperature.
func Join(device, property string) string { return device + "." + property }

// Split cuts a full name into device and property. A name without a dot has no
// device.
func Split(name string) (device, property string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

// MostHashes is how many words # RabbitMQ takes in the key of a binding, since 4.3.5.
const MostHashes = 2

// Hashes returns how many words of a pattern are #.
func Hashes(pattern string) int {
	n := 0
	for word := range strings.SplitSeq(pattern, ".") {
		if word == "#" {
			n++
		}
	}
	return n
}

// Match reports whether name fits pattern as a RabbitMQ topic would: words with
// dots between, * for one word, # for any number of words.
func Match(pattern, name string) bool {
	return matchWords(strings.Split(pattern, "."), strings.Split(name, "."))
}

func matchWords(pattern, words []string) bool {
	for i, p := range pattern {
		if p == "#" {
			for skip := 0; skip <= len(words)-i; skip++ {
				if matchWords(pattern[i+1:], words[i+skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(words) || p != "*" && p != words[i] {
			return false
		}
	}
	return len(pattern) == len(words)
}

// Nearest returns the candidate that s was probably meant to be, or "" when none
// is near: at most a third of its letters differ.
func Nearest(s string, candidates []string) string {
	length := utf8.RuneCountInString(s)
	best, least, lower := "", length/3+1, strings.ToLower(s)
	for _, c := range candidates {
		if more := length - utf8.RuneCountInString(c); max(more, -more) > least {
			continue // as many differ at least; a name of a megabyte need not be looked at
		}
		if d := distance(lower, c); d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	if best == s {
		return ""
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, row, next := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(y)]
}

// NotYet is the warning about a name that may be that of a device which is still to
// be discovered.
func NotYet(name string) string {
	return "there is no " + name + " yet: it is unknown until it is discovered"
}
