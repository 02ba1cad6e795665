package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hogar/gateway"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/rules/ruletest"
)

func newRule() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rule",
		Short: "what rules do and did; test and replay them",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRuleList(), newRuleTrace(), newRuleSwitch("enable", true), newRuleSwitch("disable", false), newRuleTest(),
		newRuleReplay())
	return cmd
}

// suiteOf is the house of a plan as its rules are tested.
func suiteOf(plan *gateway.Plan) *ruletest.Suite {
	house, o := plan.RuleHouse()
	return &ruletest.Suite{Rules: plan.Config.Rules, House: house, Options: o}
}

// testFlags are the flags of rule test.
type testFlags struct {
	config, junit  string
	cover, verbose bool
	asJSON         bool
}

func newRuleTest() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test FILE|FOLDER...",
		Short: "run tests of rules, which are files",
		Long: `test runs the tests in files called *_test.yaml in virtual time: readings come, and
what the rules command is held against what each step expects. No hardware, no
broker and no running gateway is touched.

The rules are those of --config. Without it a file kitchen_test.yaml tests the
configuration kitchen.yaml beside it, if there is one, else $HOGAR_CONFIG,
./hogar.yaml or /etc/hogar/hogar.yaml. It exits with 1 when a test fails.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("no file of tests, expected: %s", cmd.UseLine())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	cmd.Flags().StringVar(&f.config, "config", "", "configuration whose rules are tested")
	cmd.Flags().StringVar(&f.junit, "junit", "", "also write the results to this file, as JUnit XML")
	cmd.Flags().BoolVar(&f.cover, "cover", false, "tell which rules, steps and branches no test reached")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "name the tests that pass, too")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the results as JSON, one test a line")
	return cmd
}

// tested is one configuration with the tests of its rules.
type tested struct {
	suite  *ruletest.Suite
	source *config.Source
	cover  ruletest.Coverage
}

func (f *testFlags) run(cmd *cobra.Command, args []string) error {
	names, err := testFiles(args)
	if err != nil {
		return err
	}
	houses := make(map[string]*tested)
	var order []*tested
	var files []ruletest.File
	bad := false
	for _, name := range names {
		path, err := f.configOf(name)
		if err != nil {
			return err
		}
		if houses[path] == nil {
			one, err := openTested(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			houses[path] = one
			order = append(order, one)
		}
		file, ok, err := houses[path].file(name, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		bad = bad || !ok
		if !ok && len(file.Results) == 0 {
			continue
		}
		files = append(files, file)
		if err := f.print(cmd.OutOrStdout(), &file); err != nil {
			return err
		}
	}
	if f.cover {
		for _, one := range order {
			if err := one.cover.Print(cmd.OutOrStdout(), placeIn(one.source)); err != nil {
				return err
			}
		}
	}
	if err := f.writeJUnit(files); err != nil {
		return err
	}
	if bad {
		return errTold
	}
	return nil
}

func (f *testFlags) print(w io.Writer, file *ruletest.File) error {
	if !f.asJSON {
		return file.Print(w, f.verbose)
	}
	enc := json.NewEncoder(w)
	for _, r := range file.Results {
		line := struct {
			File     string   `json:"file"`
			Test     string   `json:"test"`
			Passed   bool     `json:"passed"`
			Failures []string `json:"failures,omitempty"`
			Trace    []string `json:"trace,omitempty"`
			TookMS   float64  `json:"took_ms"`
		}{file.Name, r.Name, !r.Failed(), nil, r.Trace, float64(r.Took.Microseconds()) / 1000}
		for _, one := range r.Failures {
			line.Failures = append(line.Failures, file.Place(one.Path)+": "+one.Message)
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func (f *testFlags) writeJUnit(files []ruletest.File) error {
	if f.junit == "" {
		return nil
	}
	out, err := os.Create(f.junit)
	if err != nil {
		return err
	}
	return errors.Join(ruletest.JUnit(out, files), out.Close())
}

// testFiles lists the files that the arguments name; of a folder all that are
// called *_test.yaml, at any depth.
func testFiles(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			names = append(names, arg)
			continue
		}
		before := len(names)
		err = filepath.WalkDir(arg, func(name string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(name, "_test.yaml") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(names) == before {
			return nil, fmt.Errorf("%s has no file *_test.yaml", arg)
		}
	}
	return names, nil
}

// configOf is the configuration whose rules a file tests.
func (f *testFlags) configOf(name string) (string, error) {
	if beside, ok := strings.CutSuffix(name, "_test.yaml"); ok && f.config == "" {
		beside += ".yaml"
		if _, err := os.Stat(beside); err == nil {
			if cfg, _, _ := config.Load(beside); cfg.Gateway != "" { // else it is a file of rules
				return beside, nil
			}
		}
	}
	return config.Find(f.config)
}

func openTested(path string, errs io.Writer) (*tested, error) {
	plan, err := load(path, errs)
	if err != nil {
		return nil, err
	}
	suite := suiteOf(plan)
	_, source, _ := config.Load(path)
	return &tested{suite: suite, source: source}, nil
}

// file runs the tests of one file. One with faults is not run at all.
func (t *tested) file(name string, errs io.Writer) (file ruletest.File, ok bool, err error) {
	n, source, faults := config.File(name)
	file = ruletest.File{Name: name, Place: placeIn(source)}
	var tests []*ruletest.Test
	if n != nil {
		tests = t.suite.Decode(n, faults)
	}
	problems := source.Problems(faults)
	if err := config.Print(errs, problems); err != nil {
		return file, false, err
	}
	if faults.Failed() {
		_, err := fmt.Fprintf(errs, "%s: %s\n", name, count(len(problems), "fault", "faults"))
		return file, false, err
	}
	ok = true
	for _, one := range tests {
		r := t.suite.Run(one, &t.cover)
		ok = ok && !r.Failed()
		file.Results = append(file.Results, r)
	}
	return file, ok, nil
}

// placeIn tells where a path is written: file:line:column.
func placeIn(source *config.Source) func(path []string) string {
	return func(path []string) string {
		p := source.Resolve(home.Fault{Path: path})
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}
