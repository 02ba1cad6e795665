package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hogar/drivers"
	"hogar/drivers/board"
	"hogar/drivers/simboard"
	"hogar/gateway"
	"hogar/gateway/config"
	"hogar/gateway/secret"
)

// load reads and checks a configuration. Its problems are told to w; the plan is
// nil when one of them is more than a warning.
func load(path string, w io.Writer) (*gateway.Plan, error) {
	plan, problems := check(path)
	if err := config.Print(w, problems); err != nil {
		return nil, err
	}
	if plan == nil {
		return nil, fmt.Errorf("%s has %s", secret.In(path), count(faults(problems), "fault", "faults"))
	}
	return plan, nil
}

func check(path string) (*gateway.Plan, []config.Problem) { return checkOn(path, nil) }

// checkOn also says what a machine, by its files, will do otherwise than asked for. files may be nil.
func checkOn(path string, files drivers.Files) (*gateway.Plan, []config.Problem) {
	cfg, source, found := config.Load(path)
	plan := gateway.Check(cfg, found)
	simboard.Decode(cfg.Simulate, plan.Parts()) // its faults are told to found
	if found.Failed() {
		plan = nil
	} else if files != nil {
		found.List = append(found.List, plan.Doubts(files)...)
	}
	return plan, source.Problems(found)
}

func faults(problems []config.Problem) (n int) {
	for _, p := range problems {
		if !p.Warning {
			n++
		}
	}
	return n
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func newCheck() *cobra.Command {
	var asJSON bool
	var root string
	cmd := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "find the faults of a configuration",
		Long: `check reads a configuration as run would, with its devices and rules, and prints
every fault with its place and what to write instead, and what this machine's
kernel will do otherwise. No hardware and no broker is touched. "-" reads standard input. It exits with 1 when there is a fault;
warnings alone are none.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				path, err := config.Find("")
				if err != nil {
					return err
				}
				args = []string{path}
			}
			machine, err := board.New(board.Options{Root: root})
			if err != nil {
				return err
			}
			defer machine.Close()
			bad := false
			for _, path := range args {
				ok, err := checkOne(cmd.OutOrStdout(), path, checking{machine.Files(), asJSON})
				if err != nil {
					return err
				}
				bad = bad || !ok
			}
			if bad {
				return errTold
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&root, "root", "", "the machine is below this folder instead of /")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the faults as JSON, one a line")
	return cmd
}

// checking is how files are checked.
type checking struct {
	files drivers.Files
	json  bool
}

// checkOne prints what is wrong with one file, or that nothing is.
func checkOne(w io.Writer, path string, how checking) (ok bool, err error) {
	plan, problems := checkOn(path, how.files)
	if how.json {
		enc := json.NewEncoder(w)
		for _, p := range problems {
			if err := enc.Encode(p); err != nil {
				return false, err
			}
		}
		return plan != nil, nil
	}
	if err := config.Print(w, problems); err != nil {
		return false, err
	}
	if plan == nil {
		_, err = fmt.Fprintf(w, "%s: %s\n", secret.In(path), count(faults(problems), "fault", "faults"))
		return false, err
	}
	_, err = fmt.Fprintf(w, "%s: ok, %s, %s\n", path,
		count(len(plan.Config.Devices), "device", "devices"), count(len(plan.Config.Rules.Pairs), "rule", "rules"))
	return true, err
}
