package ruletest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// File is how the tests of one file went.
type File struct {
	Name    string
	Results []Result
	Place   func(path []string) string // where a path of the file is written
}

// count returns how many passed and failed, and how long all took.
func (f *File) count() (passed, failed int, took time.Duration) {
	for _, r := range f.Results {
		took += r.Took
		if r.Failed() {
			failed++
		} else {
			passed++
		}
	}
	return passed, failed, took
}

// Print writes how the tests went, as go test does: the failures with what
// happened up to them, and one line for the file. With verbose each test is named.
func (f *File) Print(w io.Writer, verbose bool) error {
	var b strings.Builder
	for _, r := range f.Results {
		switch {
		case r.Failed():
			fmt.Fprintf(&b, "--- FAIL: %s\n", r.Name)
		case verbose:
			fmt.Fprintf(&b, "--- PASS: %s (%.3fs)\n", r.Name, r.Took.Seconds())
		}
		for _, failure := range r.Failures {
			fmt.Fprintf(&b, "    %s: %s\n", f.Place(failure.Path), failure.Message)
		}
		for _, line := range r.Trace {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	passed, failed, took := f.count()
	if failed > 0 {
		fmt.Fprintf(&b, "FAIL  %s  %d passed, %d failed  %.3fs\n", f.Name, passed, failed, took.Seconds())
	} else {
		fmt.Fprintf(&b, "ok    %s  %d passed  %.3fs\n", f.Name, passed, took.Seconds())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JUnit XML, as Jenkins and GitLab read it.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the results of all files as JUnit XML.
func JUnit(w io.Writer, files []File) error {
	var all junitSuites
	for i := range files {
		f := &files[i]
		passed, failed, took := f.count()
		s := junitSuite{Name: f.Name, Tests: passed + failed, Failures: failed, Time: seconds(took)}
		for _, r := range f.Results {
			c := junitCase{Name: r.Name, Class: f.Name, Time: seconds(r.Took)}
			if r.Failed() {
				var text strings.Builder
				for _, failure := range r.Failures {
					fmt.Fprintf(&text, "%s: %s\n", f.Place(failure.Path), failure.Message)
				}
				for _, line := range r.Trace {
					fmt.Fprintf(&text, "  %s\n", line)
				}
				c.Failure = &junitFailure{Message: r.Failures[0].Message, Text: text.String()}
			}
			s.Cases = append(s.Cases, c)
		}
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
